import { createContact, getContact, listContacts } from "@dripline/contract/contacts";
import { existingIds } from "@dripline/db/queries/existing-ids";
import { insertContact } from "@dripline/db/queries/insert-contact";
import * as contacts from "@dripline/db/queries/read-contacts";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { found, notFound, ProblemError, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";

export function serveContacts(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listContacts, async ({ db, query, url }) => {
    const page = await contacts.listContacts(db, query, pageRequest(query));
    return pageBody(page, query, url, (contact) => contact);
  });

  serve(app, deps, getContact, async ({ db, params }) => {
    const contact = await contacts.findContact(db, params.id);
    if (contact === undefined) throw notFound("contact", params.id);
    return contact;
  });

  serve(app, deps, createContact, async ({ tx, body }) => {
    const { first_name: firstName, last_name: lastName, company: companyId, ...rest } = body;
    if (companyId !== null && !(await existingIds(tx, "company", [companyId])).has(companyId)) {
      throw unknownReferences([{ pointer: "/company", what: "company", id: companyId }]);
    }
    const { id, isNew } = await insertContact(tx, { ...rest, firstName, lastName, companyId });
    if (!isNew) {
      throw new ProblemError("email_taken", `The contact ${id} has this address already.`, {
        errors: [{ pointer: "/email", code: "taken", detail: `belongs to the contact ${id}` }],
        extensions: { existing_id: id },
      });
    }
    return found(await contacts.findContact(tx, id));
  });
}
