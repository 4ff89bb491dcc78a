import { createCompany, getCompany, listCompanies } from "./companies.ts";
import { createContact, getContact, listContacts } from "./contacts.ts";
import { previewEmails } from "./email-previews.ts";
import { createEmailSequence, getEmailSequence, listEmailSequences, updateEmailSequence } from "./email-sequences.ts";
import { createEmailTemplate, getEmailTemplate, listEmailTemplates } from "./email-templates.ts";
import { completeEnrollment, pauseEnrollment, resumeEnrollment } from "./enrollment-lifecycle.ts";
import { explainSequenceExecution } from "./explanations.ts";
import { getLiveness, getReadiness } from "./health.ts";
import { getMe } from "./me.ts";
import type { OperationDefinition } from "./operation.ts";
import { createSchedule, getSchedule, listSchedules, updateSchedule } from "./schedules.ts";
import { planSends } from "./send-plans.ts";
import { enroll, getSequenceEnrollment, listSequenceEnrollments, unenroll } from "./sequence-enrollments.ts";
import { getSequenceExecution, listSequenceExecutions } from "./sequence-executions.ts";
import { archiveSequence, pauseSequence, resumeSequence } from "./sequence-lifecycle.ts";
import {
  createSequenceStep,
  deleteSequenceStep,
  getSequenceStep,
  listSequenceSteps,
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

/** In the order in which the documentation shows them; each with its exact type. */
const all = [
  listEmailSequences,
  createEmailSequence,
  getEmailSequence,
  updateEmailSequence,
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
  updateSequenceStep,
  deleteSequenceStep,
  listSequenceEnrollments,
  enroll,
  getSequenceEnrollment,
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
  getMe,
  getLiveness,
  getReadiness,
] as const satisfies readonly OperationDefinition[];

/** The whole API. */
export const operations: readonly OperationDefinition[] = all;

/** Any one operation of the API, as it is declared: what the client's types are made from. */
export type Operation = (typeof all)[number];
