import * as operations from "@dripline/contract/companies";
import * as deleting from "@dripline/db/queries/delete-company";
import { insertCompany } from "@dripline/db/queries/insert-company";
import * as companies from "@dripline/db/queries/read-companies";
import * as changing from "@dripline/db/queries/update-company";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { found, inUse, notFound } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { takeForEdit } from "../take-for-edit.ts";

export function serveCompanies(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, operations.listCompanies, async ({ db, query, url }) => {
    const page = await companies.listCompanies(db, query, pageRequest(query));
    return pageBody(page, query, url, (company) => company);
  });

  serve(app, deps, operations.getCompany, async ({ db, params }) => {
    const company = await companies.findCompany(db, params.id);
    if (company === undefined) throw notFound("company", params.id);
    return company;
  });

  serve(app, deps, operations.createCompany, async ({ tx, body }) => {
    const id = await insertCompany(tx, body);
    return found(await companies.findCompany(tx, id));
  });

  serve(app, deps, operations.replaceCompany, async ({ tx, params: { id }, body, ifMatch, now }) => {
    await takeForEdit(tx, "company", id, ifMatch);
    await changing.updateCompany(tx, id, body, now);
    return found(await companies.findCompany(tx, id));
  });

  serve(app, deps, operations.updateCompany, async ({ tx, params: { id }, body, ifMatch, now }) => {
    await takeForEdit(tx, "company", id, ifMatch);
    await changing.updateCompany(tx, id, body, now);
    return found(await companies.findCompany(tx, id));
  });

  serve(app, deps, operations.deleteCompany, async ({ tx, params: { id }, ifMatch, addToAudit }) => {
    const { name } = await takeForEdit(tx, "company", id, ifMatch);
    if ((await deleting.deleteCompany(tx, id)) === "in_use") {
      throw inUse(
        "Somebody is on their way through a sequence with this company, and their emails may name it. Delete it when those enrollments have ended, or end them first.",
        ["sequence-enrollments"],
      );
    }
    addToAudit({ name });
    return { id };
  });
}
