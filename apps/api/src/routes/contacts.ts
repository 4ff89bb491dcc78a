import * as operations from "@dripline/contract/contacts";
import type { Queryable } from "@dripline/db/database";
import { optInContacts } from "@dripline/db/opt-out-contacts";
import * as deleting from "@dripline/db/queries/delete-contact";
import { existingIds } from "@dripline/db/queries/existing-ids";
import { insertContact } from "@dripline/db/queries/insert-contact";
import * as contacts from "@dripline/db/queries/read-contacts";
import * as changing from "@dripline/db/queries/update-contact";
import { optOutContact } from "@dripline/engine/opt-out";
import type { FastifyInstance } from "fastify";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import { found, inUse, notFound, ProblemError, unknownReferences } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { takeForEdit } from "../take-for-edit.ts";

export function serveContacts(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, operations.listContacts, async ({ db, query, url }) => {
    const page = await contacts.listContacts(db, query, pageRequest(query));
    return pageBody(page, query, url, (contact) => contact);
  });

  serve(app, deps, operations.getContact, async ({ db, params }) => {
    const contact = await contacts.findContact(db, params.id);
    if (contact === undefined) throw notFound("contact", params.id);
    return contact;
  });

  serve(app, deps, operations.createContact, async ({ tx, body }) => {
    const { first_name: firstName, last_name: lastName, company: companyId, ...rest } = body;
    await refuseUnknownCompany(tx, companyId);
    const { id, isNew } = await insertContact(tx, { ...rest, firstName, lastName, companyId });
    if (!isNew) throw emailTaken(id);
    return found(await contacts.findContact(tx, id));
  });

  serve(app, deps, operations.replaceContact, async ({ tx, params: { id }, body, ifMatch, now }) => {
    await takeForEdit(tx, "contact", id, ifMatch);
    await write(tx, id, changesOf(body), now);
    return found(await contacts.findContact(tx, id));
  });

  serve(app, deps, operations.updateContact, async ({ tx, params: { id }, body, ifMatch, principal, now }) => {
    const { opted_out: wantsNone, ...fields } = body;
    await takeForEdit(tx, "contact", id, ifMatch);
    if (Object.keys(fields).length > 0) await write(tx, id, changesOf(fields), now);
    if (wantsNone === true) await optOutContact(tx, { contactId: id, source: "API", now, actor: principal.id });
    if (wantsNone === false) await optInContacts(tx, [id], now);
    return found(await contacts.findContact(tx, id));
  });

  serve(app, deps, operations.deleteContact, async ({ tx, params: { id }, ifMatch, now, addToAudit }) => {
    const { name: email } = await takeForEdit(tx, "contact", id, ifMatch);
    if ((await deleting.deleteContact(tx, id, now)) === "in_use") {
      throw inUse(
        'The contact is or was enrolled, and enrollments are the record of what they got. So that they get no more: PATCH with {"opted_out": true}.',
        ["sequence-enrollments"],
      );
    }
    addToAudit({ email });
    return { id };
  });
}

/** @throws ProblemError if the company does not exist or another contact has the address */
async function write(tx: Queryable, id: string, changes: changing.ContactChanges, now: Date): Promise<void> {
  await refuseUnknownCompany(tx, changes.companyId ?? null);
  const updated = await changing.updateContact(tx, id, changes, now);
  if (updated.kind === "email_taken") throw emailTaken(updated.existingId);
}

/** Only what the body names: the rest stays. */
function changesOf(body: Omit<operations.ContactPatch, "opted_out">): changing.ContactChanges {
  return {
    ...(body.email === undefined ? {} : { email: body.email }),
    ...(body.first_name === undefined ? {} : { firstName: body.first_name }),
    ...(body.last_name === undefined ? {} : { lastName: body.last_name }),
    ...(body.company === undefined ? {} : { companyId: body.company }),
    ...(body.timezone === undefined ? {} : { timezone: body.timezone }),
    ...(body.country === undefined ? {} : { country: body.country }),
    ...(body.attributes === undefined ? {} : { attributes: body.attributes }),
  };
}

async function refuseUnknownCompany(tx: Queryable, companyId: string | null): Promise<void> {
  if (companyId === null || (await existingIds(tx, "company", [companyId])).has(companyId)) return;
  throw unknownReferences([{ pointer: "/company", what: "company", id: companyId }]);
}

function emailTaken(existingId: string): ProblemError {
  return new ProblemError("email_taken", `The contact ${existingId} has this address already.`, {
    errors: [{ pointer: "/email", code: "taken", detail: `belongs to the contact ${existingId}` }],
    extensions: { existing_id: existingId },
  });
}
