import { getSequenceExecution, listSequenceExecutions } from "@dripline/contract/sequence-executions";
import * as executions from "@dripline/db/queries/read-sequence-executions";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { notFound } from "../problem-error.ts";
import { serve } from "../serve.ts";

export function serveSequenceExecutions(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listSequenceExecutions, async ({ db, query, url }) => {
    const page = await executions.listSequenceExecutions(db, query, pageRequest(query));
    return pageBody(page, query, url, (execution) => execution);
  });

  serve(app, deps, getSequenceExecution, async ({ db, params }) => {
    const execution = await executions.findSequenceExecution(db, params.id);
    if (execution === undefined) throw notFound("execution", params.id);
    const events = await executions.findExecutionEvents(db, params.id);
    return { ...execution, events };
  });
}
