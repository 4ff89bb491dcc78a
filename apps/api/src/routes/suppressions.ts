import * as operations from "@dripline/contract/suppressions";
import { insertSuppressions } from "@dripline/db/queries/insert-suppressions";
import * as suppressions from "@dripline/db/queries/read-suppressions";
import { deleteSuppression, lockSuppression, updateSuppressionNote } from "@dripline/db/queries/update-suppression";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { refuseOtherRevision } from "../if-match.ts";
import { found, notFound, ProblemError } from "../problem-error.ts";
import { type Context, serve } from "../serve.ts";

type EditContext = Pick<Context<typeof operations.updateSuppression>, "tx" | "params" | "body" | "ifMatch">;

export function serveSuppressions(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, operations.listSuppressions, async ({ db, query, url }) => {
    const page = await suppressions.listSuppressions(db, query, pageRequest(query));
    return pageBody(page, query, url, (suppression) => suppression);
  });

  serve(app, deps, operations.getSuppression, async ({ db, params }) => {
    const suppression = await suppressions.findSuppression(db, params.id);
    if (suppression === undefined) throw notFound("suppression", params.id);
    return suppression;
  });

  serve(app, deps, operations.createSuppression, async ({ tx, body }) => {
    const { id, isNew } = found((await insertSuppressions(tx, [body.email], body))[0]);
    if (!isNew) throw alreadySuppressed(id);
    return found(await suppressions.findSuppression(tx, id));
  });

  serve(app, deps, operations.bulkSuppress, async ({ tx, body, addToAudit }) => {
    const addresses = await insertSuppressions(tx, body.emails, body);
    const created = addresses.filter(({ isNew }) => isNew);
    addToAudit({ created: created.length, reason: body.reason, suppressions: created.map(({ id }) => id) });
    return {
      created: created.length,
      already_suppressed: addresses.length - created.length,
      results: addresses.map(({ email, id, isNew }) => ({
        email,
        status: isNew ? ("created" as const) : ("already_suppressed" as const),
        suppression: id,
      })),
    };
  });

  const edit = async ({ tx, params, body, ifMatch }: EditContext) => {
    const locked = await lockSuppression(tx, params.id);
    if (locked === undefined) throw notFound("suppression", params.id);
    refuseOtherRevision(ifMatch, locked);
    await updateSuppressionNote(tx, locked.id, body.note);
    return found(await suppressions.findSuppression(tx, locked.id));
  };
  serve(app, deps, operations.replaceSuppression, edit);
  serve(app, deps, operations.updateSuppression, edit);

  serve(app, deps, operations.deleteSuppression, async ({ tx, params, ifMatch, addToAudit }) => {
    const locked = await lockSuppression(tx, params.id);
    if (locked === undefined) throw notFound("suppression", params.id);
    refuseOtherRevision(ifMatch, locked);
    await deleteSuppression(tx, locked.id);
    const { id, email, reason, note, revision } = locked;
    addToAudit({ email, reason, note }); // the entry is gone: without this nobody could tell what was lifted
    return { id, revision };
  });
}

function alreadySuppressed(id: string): ProblemError {
  return new ProblemError("already_suppressed", `The address is suppressed already, by the suppression ${id}.`, {
    errors: [{ pointer: "/email", code: "taken", detail: `is suppressed by ${id}` }],
    extensions: { existing_id: id },
  });
}
