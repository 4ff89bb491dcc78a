import { getSequenceExecution, listSequenceExecutions, orderingOf } from "@dripline/contract/sequence-executions";
import type { Queryable } from "@dripline/db/database";
import * as executions from "@dripline/db/queries/read-sequence-executions";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { notFound } from "../problem-error.ts";
import { serve } from "../serve.ts";

export function serveSequenceExecutions(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listSequenceExecutions, async ({ db, query: asked, url }) => {
    const query = { ...asked, ordering: orderingOf(asked) };
    const page = await executions.listSequenceExecutions(db, query, pageRequest(query));
    return pageBody(page, query, url, (execution) => execution);
  });

  serve(app, deps, getSequenceExecution, async ({ db, params }) => {
    const execution = await findExecutionWithEvents(db, params.id);
    if (execution === undefined) throw notFound("execution", params.id);
    return execution;
  });
}

/** The execution with this id, if there is one, and what happened to it. */
export async function findExecutionWithEvents(db: Queryable, id: string) {
  const execution = await executions.findSequenceExecution(db, id);
  return execution && { ...execution, events: await executions.findExecutionEvents(db, id) };
}
