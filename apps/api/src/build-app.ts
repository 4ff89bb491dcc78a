import { openApiDocument } from "@dripline/contract/openapi";
import { operations } from "@dripline/contract/operations";
import { newId } from "@dripline/db/new-id";
import { createRenderer } from "@dripline/mail/render";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, LogController } from "fastify";
import { allowedMethods } from "./allowed-methods.ts";
import { answerUnreadable } from "./answer-unreadable.ts";
import type { Deps } from "./deps.ts";
import { hangUpWhenStopping } from "./hang-up-when-stopping.ts";
import { measureAnswers } from "./measure-answers.ts";
import { serveOps } from "./ops/serve-ops.ts";
import { ProblemError } from "./problem-error.ts";
import { problemFromError } from "./problem-from-error.ts";
import { readJson } from "./read-json.ts";
import { limitRequests } from "./request-limits.ts";
import { serveActOnEnrollments } from "./routes/act-on-enrollments.ts";
import { serveApiKeys } from "./routes/api-keys.ts";
import { serveAuditLog } from "./routes/audit-log.ts";
import { serveBulkEnrollment } from "./routes/bulk-enrollment.ts";
import { serveChangeEmailSequence } from "./routes/change-email-sequence.ts";
import { serveChangeSequences } from "./routes/change-sequences.ts";
import { serveCompanies } from "./routes/companies.ts";
import { serveContacts } from "./routes/contacts.ts";
import { serveDuplicateEmailSequence } from "./routes/duplicate-email-sequence.ts";
import { serveEmailLogs } from "./routes/email-logs.ts";
import { serveEmailPreviews } from "./routes/email-previews.ts";
import { serveEmailSequences } from "./routes/email-sequences.ts";
import { serveEmailTemplatePreviews } from "./routes/email-template-previews.ts";
import { serveEmailTemplateVersions } from "./routes/email-template-versions.ts";
import { serveEmailTemplates } from "./routes/email-templates.ts";
import { serveEnroll } from "./routes/enroll.ts";
import { serveEnrollmentLifecycle } from "./routes/enrollment-lifecycle.ts";
import { serveExplanations } from "./routes/explanations.ts";
import { serveHealth } from "./routes/health.ts";
import { serveImportFiles } from "./routes/import-files.ts";
import { serveImports } from "./routes/imports.ts";
import { serveMe } from "./routes/me.ts";
import { serveNextOpenings } from "./routes/next-openings.ts";
import { serveOperateExecution } from "./routes/operate-execution.ts";
import { servePublish } from "./routes/publish.ts";
import { serveReorderSteps } from "./routes/reorder-steps.ts";
import { serveSchedules } from "./routes/schedules.ts";
import { serveSendPlans } from "./routes/send-plans.ts";
import { serveSequenceEnrollments } from "./routes/sequence-enrollments.ts";
import { serveSequenceExecutions } from "./routes/sequence-executions.ts";
import { serveSequenceLifecycle } from "./routes/sequence-lifecycle.ts";
import { serveSequenceSteps } from "./routes/sequence-steps.ts";
import { serveSequenceVersions } from "./routes/sequence-versions.ts";
import { serveSettleExecution } from "./routes/settle-execution.ts";
import { serveSuppressions } from "./routes/suppressions.ts";
import { serveTestSend } from "./routes/test-send.ts";
import { serveUnenroll } from "./routes/unenroll.ts";
import { serveUnsubscribe } from "./routes/unsubscribe.ts";
import { serveUsers } from "./routes/users.ts";
import { traceRequests } from "./trace-requests.ts";

/** The largest body is a template: 200,000 characters of MJML, up to six bytes each as JSON. */
const bodyBytesMax = 2_000_000;

// The default one upgrades to https, which an installation on plain http does not have, and names an outside validator.
const docsPolicy =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'";

/** The whole API, ready to listen or to be asked with `inject`. Connects to nothing by itself. */
export async function buildApp(deps: Deps): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    // Fastify would log raw URLs, and some of ours carry tokens: `logAnswers` names the route instead.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    bodyLimit: bodyBytesMax,
    genReqId: (request) => sentRequestId(request.headers["x-request-id"]) ?? newId(),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256 },
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket, deps.log),
    // A path that the router itself cannot read.
    frameworkErrors: (_error, request, reply) => {
      void sendProblem(new ProblemError("not_found", "There is nothing at this path."), request, reply);
    },
  });
  app.removeContentTypeParser("text/plain"); // JSON only: anything else is a 415
  readJson(app);
  app.decorateRequest("principal", null);
  app.decorate("limitRequests", await limitRequests(app, deps));
  answerProblems(app);
  logAnswers(app);
  measureAnswers(app, deps.metrics);
  traceRequests(app, deps.spans);
  hangUpWhenStopping(app);

  const document = openApiDocument({ operations, version: deps.version, serverUrl: deps.publicUrl });
  await app.register(swagger, { mode: "static", specification: { document: document as never } });
  await app.register(swaggerUi, { routePrefix: "/docs", staticCSP: docsPolicy, uiConfig: { validatorUrl: null } });
  app.get("/openapi.json", async () => document);
  app.get("/", (_request, reply) => reply.redirect("/docs"));

  const renderer = createRenderer();
  serveEmailSequences(app, deps);
  serveChangeEmailSequence(app, deps);
  serveDuplicateEmailSequence(app, deps);
  serveChangeSequences(app, deps);
  serveSequenceLifecycle(app, deps);
  serveSequenceSteps(app, deps);
  serveReorderSteps(app, deps);
  serveSequenceVersions(app, deps);
  servePublish(app, deps);
  serveSendPlans(app, deps);
  serveEmailPreviews(app, deps, renderer);
  serveSequenceEnrollments(app, deps);
  serveEnroll(app, deps);
  serveBulkEnrollment(app, deps);
  serveActOnEnrollments(app, deps);
  serveUnenroll(app, deps);
  serveEnrollmentLifecycle(app, deps);
  serveSequenceExecutions(app, deps);
  serveSettleExecution(app, deps);
  serveOperateExecution(app, deps);
  serveExplanations(app, deps);
  serveEmailLogs(app, deps);
  serveSuppressions(app, deps);
  serveContacts(app, deps);
  serveCompanies(app, deps);
  serveEmailTemplates(app, deps);
  serveEmailTemplateVersions(app, deps);
  serveEmailTemplatePreviews(app, deps, renderer);
  serveTestSend(app, deps, renderer);
  serveSchedules(app, deps);
  serveNextOpenings(app, deps);
  serveUsers(app, deps);
  serveApiKeys(app, deps);
  serveAuditLog(app, deps);
  serveImports(app, deps);
  serveImportFiles(app, deps);
  serveMe(app, deps);
  serveHealth(app, deps);
  await serveUnsubscribe(app, deps);
  await serveOps(app, deps);
  return app;
}

function sentRequestId(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" && /^[A-Za-z0-9._:-]{1,128}$/.test(header) ? header : undefined;
}

function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = problemFromError(error, { bodyBytesMax: request.routeOptions.bodyLimit ?? bodyBytesMax });
    if (problem.code === "internal_error") request.log.error({ err: error }, "a request failed");
    else if (problem.status >= 500)
      request.log.warn({ err: error, code: problem.code }, "a request could not be answered");
    return sendProblem(problem, request, reply);
  });
  app.setNotFoundHandler(async (request, reply) => {
    const allowed = allowedMethods(request.url);
    if (allowed.length > 0) {
      reply.header("allow", allowed.join(", "));
      throw new ProblemError("method_not_allowed", `This path takes ${allowed.join(", ")}, and not ${request.method}.`);
    }
    throw new ProblemError(
      "not_found",
      `There is nothing at ${request.method} of this path; /docs lists what there is.`,
    );
  });
}

function sendProblem(problem: ProblemError, request: { readonly id: string }, reply: FastifyReply): FastifyReply {
  const retryAfter = problem.details.retryAfterSeconds;
  if (retryAfter !== undefined) reply.header("retry-after", String(retryAfter));
  return reply
    .status(problem.status)
    .header("x-request-id", request.id) // for what fails before the hooks
    .type("application/problem+json")
    .send(JSON.stringify(problem.toProblem(request.id)));
}

function logAnswers(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => void reply.header("x-request-id", request.id));
  app.addHook("onResponse", async (request, reply) => {
    const level = request.routeOptions.url?.startsWith("/health/") ? "debug" : "info"; // probes come every few seconds
    request.log[level](
      {
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime),
        principal: request.principal?.id,
      },
      "answered",
    );
  });
}
