import { createCompany, getCompany, listCompanies } from "./companies.ts";
import { createContact, getContact, listContacts } from "./contacts.ts";
import { createEmailSequence, getEmailSequence, listEmailSequences } from "./email-sequences.ts";
import { createEmailTemplate, getEmailTemplate, listEmailTemplates } from "./email-templates.ts";
import { completeEnrollment, pauseEnrollment, resumeEnrollment } from "./enrollment-lifecycle.ts";
import { getLiveness, getReadiness } from "./health.ts";
import { getMe } from "./me.ts";
import type { OperationDefinition } from "./operation.ts";
import { createSchedule, getSchedule, listSchedules } from "./schedules.ts";
import { enroll, getSequenceEnrollment, listSequenceEnrollments, unenroll } from "./sequence-enrollments.ts";
import { getSequenceExecution, listSequenceExecutions } from "./sequence-executions.ts";
import { archiveSequence, pauseSequence, resumeSequence } from "./sequence-lifecycle.ts";
import { createSequenceStep, getSequenceStep, listSequenceSteps } from "./sequence-steps.ts";

/** The whole API, in the order in which the documentation shows it. */
export const operations: readonly OperationDefinition[] = [
  listEmailSequences,
  createEmailSequence,
  getEmailSequence,
  pauseSequence,
  resumeSequence,
  archiveSequence,
  listSequenceSteps,
  createSequenceStep,
  getSequenceStep,
  listSequenceEnrollments,
  enroll,
  getSequenceEnrollment,
  unenroll,
  pauseEnrollment,
  resumeEnrollment,
  completeEnrollment,
  listSequenceExecutions,
  getSequenceExecution,
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
  getMe,
  getLiveness,
  getReadiness,
];
