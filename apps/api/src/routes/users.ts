import {
  createUser,
  deleteUser,
  getUser,
  listUsers,
  replaceUser,
  type User,
  type UserPatch,
  updateUser,
} from "@dripline/contract/users";
import type { Queryable } from "@dripline/db/database";
import * as users from "@dripline/db/queries/read-users";
import * as writing from "@dripline/db/queries/write-user";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { pageBody, pageRequest } from "../cursor.ts";
import type { Deps } from "../deps.ts";
import type { IfMatch } from "../if-match.ts";
import { found, inUse, notFound, ProblemError } from "../problem-error.ts";
import { serve } from "../serve.ts";
import { takeForEdit } from "../take-for-edit.ts";

const insteadOfDeleting =
  'The user made something, or an API key was made for them. Deactivate them instead: PATCH with {"is_active": false}.';

export function serveUsers(app: FastifyInstance, deps: Deps): void {
  serve(app, deps, listUsers, async ({ db, query, url }) => {
    const page = await users.listUsers(db, query, pageRequest(query));
    return pageBody(page, query, url, (user) => user);
  });

  serve(app, deps, getUser, async ({ db, params }) => {
    const user = await users.findUser(db, params.id);
    if (user === undefined) throw notFound("user", params.id);
    return user;
  });

  serve(app, deps, createUser, async ({ tx, body, now }) => {
    const { is_active: isActive, ...fields } = body;
    return written(tx, await writing.insertUser(tx, { ...fields, isActive, now }));
  });

  serve(app, deps, replaceUser, ({ tx, params, body, ifMatch, now }) => change(tx, params.id, body, ifMatch, now));
  serve(app, deps, updateUser, ({ tx, params, body, ifMatch, now }) => change(tx, params.id, body, ifMatch, now));

  serve(app, deps, deleteUser, async ({ tx, params: { id }, ifMatch, addToAudit }) => {
    const { name: email } = await takeForEdit(tx, "user", id, ifMatch);
    const deleted = await writing.deleteUser(tx, id);
    if (deleted.kind === "in_use") throw inUse(insteadOfDeleting, deleted.usedBy);
    addToAudit({ email });
    return { id };
  });
}

async function change(
  tx: Queryable,
  id: string,
  changes: z.output<typeof UserPatch>,
  ifMatch: IfMatch,
  now: Date,
): Promise<User> {
  await takeForEdit(tx, "user", id, ifMatch);
  const { email, name, role, is_active: isActive } = changes;
  const named = {
    ...(email === undefined ? {} : { email }),
    ...(name === undefined ? {} : { name }),
    ...(role === undefined ? {} : { role }),
    ...(isActive === undefined ? {} : { isActive }),
  };
  return written(tx, await writing.updateUser(tx, id, named, now));
}

async function written(tx: Queryable, outcome: writing.WrittenUser): Promise<User> {
  if (outcome.kind === "email_taken") {
    const { existingId } = outcome;
    throw new ProblemError("email_taken", `The user ${existingId} has this address already.`, {
      errors: [{ pointer: "/email", code: "taken", detail: `is the address of the user ${existingId}` }],
      extensions: { existing_id: existingId },
    });
  }
  return found(await users.findUser(tx, outcome.id));
}
