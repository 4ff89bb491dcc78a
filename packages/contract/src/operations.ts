import { actOnEnrollments } from "./act-on-enrollments.ts";
import {
  createApiKey,
  deleteApiKey,
  getApiKey,
  listApiKeys,
  replaceApiKey,
  revokeApiKey,
  rotateApiKey,
  updateApiKey,
} from "./api-keys.ts";
import { getAuditEntry, listAuditEntries } from "./audit-log.ts";
import { bulkEnroll } from "./bulk-enrollment.ts";
import { changeSequences } from "./change-sequences.ts";
import { createCompany, deleteCompany, getCompany, listCompanies, replaceCompany, updateCompany } from "./companies.ts";
import { createContact, deleteContact, getContact, listContacts, replaceContact, updateContact } from "./contacts.ts";
import { getEmailLog, getEmailMessage, listEmailLogs } from "./email-logs.ts";
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
import { previewEmailTemplate, testSendEmailTemplate } from "./email-template-previews.ts";
import {
  getEmailTemplateVersion,
  listEmailTemplateVersions,
  restoreEmailTemplateVersion,
} from "./email-template-versions.ts";
import {
  createEmailTemplate,
  deleteEmailTemplate,
  getEmailTemplate,
  listEmailTemplates,
  replaceEmailTemplate,
  updateEmailTemplate,
} from "./email-templates.ts";
import { completeEnrollment, pauseEnrollment, resumeEnrollment } from "./enrollment-lifecycle.ts";
import { explainSequenceExecution } from "./explanations.ts";
import { getLiveness, getReadiness } from "./health.ts";
import {
  cancelImport,
  createImport,
  deleteImport,
  getImport,
  getImportFailures,
  listImports,
  uploadImportFile,
} from "./imports.ts";
import { getMe } from "./me.ts";
import { getNextOpenings } from "./next-openings.ts";
import { rescheduleExecution, retryExecution, sendExecutionNow, skipExecution } from "./operate-execution.ts";
import type { OperationDefinition } from "./operation.ts";
import { reorderSequenceSteps } from "./reorder-steps.ts";
import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  replaceSchedule,
  updateSchedule,
} from "./schedules.ts";
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
import {
  bulkSuppress,
  createSuppression,
  deleteSuppression,
  getSuppression,
  listSuppressions,
  replaceSuppression,
  updateSuppression,
} from "./suppressions.ts";
import { createUser, deleteUser, getUser, listUsers, replaceUser, updateUser } from "./users.ts";

/** In the order in which the documentation shows them; each with its exact type. */
const all = [
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
  bulkEnroll,
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
  retryExecution,
  skipExecution,
  sendExecutionNow,
  rescheduleExecution,
  listEmailLogs,
  getEmailLog,
  getEmailMessage,
  listSuppressions,
  createSuppression,
  bulkSuppress,
  getSuppression,
  replaceSuppression,
  updateSuppression,
  deleteSuppression,
  listContacts,
  createContact,
  getContact,
  replaceContact,
  updateContact,
  deleteContact,
  listImports,
  createImport,
  getImport,
  uploadImportFile,
  cancelImport,
  getImportFailures,
  deleteImport,
  listCompanies,
  createCompany,
  getCompany,
  replaceCompany,
  updateCompany,
  deleteCompany,
  listEmailTemplates,
  createEmailTemplate,
  getEmailTemplate,
  replaceEmailTemplate,
  updateEmailTemplate,
  deleteEmailTemplate,
  listEmailTemplateVersions,
  getEmailTemplateVersion,
  restoreEmailTemplateVersion,
  previewEmailTemplate,
  testSendEmailTemplate,
  listSchedules,
  createSchedule,
  getSchedule,
  replaceSchedule,
  updateSchedule,
  deleteSchedule,
  getNextOpenings,
  listUsers,
  createUser,
  getUser,
  replaceUser,
  updateUser,
  deleteUser,
  listApiKeys,
  createApiKey,
  getApiKey,
  replaceApiKey,
  updateApiKey,
  rotateApiKey,
  revokeApiKey,
  deleteApiKey,
  listAuditEntries,
  getAuditEntry,
  getMe,
  getLiveness,
  getReadiness,
] as const satisfies readonly OperationDefinition[];

/** The whole API. */
export const operations: readonly OperationDefinition[] = all;

/** Any one operation of the API, as it is declared: what the client's types are made from. */
export type Operation = (typeof all)[number];
