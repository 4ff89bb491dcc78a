import { actOnEnrollments } from "./act-on-enrollments.ts";
import {
  createApiKey,
  deleteApiKey,
  getApiKey,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
  updateApiKey,
} from "./api-keys.ts";
import { changeSequences } from "./change-sequences.ts";
import { createCompany, getCompany, listCompanies } from "./companies.ts";
import { createContact, getContact, listContacts } from "./contacts.ts";
import { previewEmails } from "./email-previews.ts";
import {
  createEmailSequence,
  deleteEmailSequence,
  duplicateEmailSequence,
  getEmailSequence,
  listEmailSequences,
  replaceEmailSequence,
  updateEmailSequence,
} from "./email-sequences.ts";
import { createEmailTemplate, getEmailTemplate, listEmailTemplates } from "./email-templates.ts";
import { completeEnrollment, pauseEnrollment, resumeEnrollment } from "./enrollment-lifecycle.ts";
import { explainSequenceExecution } from "./explanations.ts";
import { getLiveness, getReadiness } from "./health.ts";
import { getMe } from "./me.ts";
import type { OperationDefinition } from "./operation.ts";
import { reorderSequenceSteps } from "./reorder-steps.ts";
import { createSchedule, getSchedule, listSchedules, updateSchedule } from "./schedules.ts";
import { planSends } from "./send-plans.ts";
import {
  createSequenceEnrollment,
  deleteSequenceEnrollment,
  enroll,
  getSequenceEnrollment,
  listSequenceEnrollments,
  replaceSequenceEnrollment,
  unenroll,
  updateSequenceEnrollment,
} from "./sequence-enrollments.ts";
import { getSequenceExecution, listSequenceExecutions } from "./sequence-executions.ts";
import { archiveSequence, pauseSequence, resumeSequence } from "./sequence-lifecycle.ts";
import {
  createSequenceStep,
  deleteSequenceStep,
  getSequenceStep,
  listSequenceSteps,
  replaceSequenceStep,
  updateSequenceStep,
} from "./sequence-steps.ts";
import {
  diffSequenceVersions,
  discardSequenceDraft,
  getSequenceDraft,
  listSequenceVersions,
  publishSequence,
  replaceSequenceDraft,
} from "./sequence-versions.ts";
import { settleExecution } from "./settle-execution.ts";
import { createUser, deleteUser, getUser, listUsers, replaceUser, updateUser } from "./users.ts";

/** The whole API, in the order in which the documentation shows it. */
export const operations: readonly OperationDefinition[] = [
  listEmailSequences,
  createEmailSequence,
  getEmailSequence,
  replaceEmailSequence,
  updateEmailSequence,
  deleteEmailSequence,
  duplicateEmailSequence,
  changeSequences,
  listSequenceVersions,
  diffSequenceVersions,
  getSequenceDraft,
  replaceSequenceDraft,
  discardSequenceDraft,
  publishSequence,
  pauseSequence,
  resumeSequence,
  archiveSequence,
  planSends,
  previewEmails,
  listSequenceSteps,
  createSequenceStep,
  getSequenceStep,
  replaceSequenceStep,
  updateSequenceStep,
  deleteSequenceStep,
  reorderSequenceSteps,
  listSequenceEnrollments,
  createSequenceEnrollment,
  enroll,
  getSequenceEnrollment,
  replaceSequenceEnrollment,
  updateSequenceEnrollment,
  deleteSequenceEnrollment,
  actOnEnrollments,
  unenroll,
  pauseEnrollment,
  resumeEnrollment,
  completeEnrollment,
  listSequenceExecutions,
  getSequenceExecution,
  explainSequenceExecution,
  settleExecution,
  listContacts,
  createContact,
  getContact,
  listCompanies,
  createCompany,
  getCompany,
  listEmailTemplates,
  createEmailTemplate,
  getEmailTemplate,
  listSchedules,
  createSchedule,
  getSchedule,
  updateSchedule,
  listUsers,
  createUser,
  getUser,
  replaceUser,
  updateUser,
  deleteUser,
  listApiKeys,
  createApiKey,
  getApiKey,
  updateApiKey,
  rotateApiKey,
  revokeApiKey,
  deleteApiKey,
  getMe,
  getLiveness,
  getReadiness,
];
