import { createCompany, getCompany, listCompanies } from "@dripline/contract/companies";
import { insertCompany } from "@dripline/db/queries/insert-company";
import * as companies from "@dripline/db/queries/read-companies";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { found, notFound } from "../problem-error.ts";
import { serve } from "../serve.ts";

export function serveCompanies(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listCompanies, async ({ db, query, url }) => {
    const page = await companies.listCompanies(db, query, pageRequest(query));
    return pageBody(page, query, url, (company) => company);
  });

  serve(app, deps, getCompany, async ({ db, params }) => {
    const company = await companies.findCompany(db, params.id);
    if (company === undefined) throw notFound("company", params.id);
    return company;
  });

  serve(app, deps, createCompany, async ({ tx, body }) => {
    const id = await insertCompany(tx, body);
    return found(await companies.findCompany(tx, id));
  });
}
