import { explainSequenceExecution } from "@dripline/contract/explanations";
import { explainExecutions } from "@dripline/engine/explain-executions";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";
import { notFound } from "../problem-error.ts";
import { serve } from "../serve.ts";

export function serveExplanations(app: FastifyInstance, deps: Deps): void {
  const { database: db, pace, limits, sender, publicUrl } = deps;
  serve(app, deps, explainSequenceExecution, async ({ params }) => {
    const [explanation] = await explainExecutions({ db, pace, limits, sender, publicUrl }, [params.id]);
    if (explanation === undefined) throw notFound("execution", params.id);
    return explanation;
  });
}
