import { getAuditEntry, listAuditEntries } from "@dripline/contract/audit-log";
import * as entries from "@dripline/db/queries/read-audit-log";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { notFound } from "../problem-error.ts";
import { serve } from "../serve.ts";

export function serveAuditLog(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listAuditEntries, async ({ db, query, url }) => {
    const page = await entries.listAuditEntries(db, query, pageRequest(query));
    return pageBody(page, query, url, (entry) => entry);
  });

  serve(app, deps, getAuditEntry, async ({ db, params }) => {
    const entry = await entries.findAuditEntry(db, params.id);
    if (entry === undefined) throw notFound("entry of the audit log", params.id);
    return entry;
  });
}
