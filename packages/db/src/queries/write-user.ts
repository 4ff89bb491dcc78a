import { eq, sql } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { newId } from "../new-id.ts";
import { user } from "../schema/people.ts";
import { findUserIdByEmail } from "./read-users.ts";
import { tryWrite } from "./try-write.ts";

export interface UserFields {
  readonly email: string;
  readonly name: string;
  readonly role: (typeof user.role.enumValues)[number];
  readonly isActive: boolean;
}

export type WrittenUser =
  | { readonly kind: "written"; readonly id: string }
  | { readonly kind: "email_taken"; readonly existingId: string };

/** Writes a user, unless one with this address exists. */
export async function insertUser(
  tx: Queryable,
  { email, name, role, isActive, now }: UserFields & { readonly now: Date },
): Promise<WrittenUser> {
  const id = newId();
  const inserted = await orm(tx)
    .insert(user)
    .values({ id, email, name, role, deactivatedAt: isActive ? null : now, createdAt: now, updatedAt: now })
    .onConflictDoNothing()
    .returning({ id: user.id });
  if (inserted.length === 1) return { kind: "written", id };
  return { kind: "email_taken", existingId: (await findUserIdByEmail(tx, email)) ?? "" };
}

/** Changes what `changes` names of a user; the rest stays. Call it in a transaction, which goes on also if the address is taken. */
export async function updateUser(
  tx: Queryable,
  id: string,
  { isActive, ...changes }: Partial<UserFields>,
  now: Date,
): Promise<WrittenUser> {
  const refusal = await tryWrite(tx, () =>
    orm(tx)
      .update(user)
      .set({
        ...changes,
        ...(isActive === undefined
          ? {}
          : { deactivatedAt: isActive ? null : sql`coalesce(${user.deactivatedAt}, ${now.toISOString()})` }),
        revision: sql`${user.revision} + 1`,
        updatedAt: now,
      })
      .where(eq(user.id, id)),
  );
  if (refusal === undefined) return { kind: "written", id };
  if (refusal.constraint !== "user_email_key") throw new Error(`a user cannot be written: ${refusal.constraint}`);
  return { kind: "email_taken", existingId: (await findUserIdByEmail(tx, changes.email ?? "")) ?? "" };
}

export type DeletedUser =
  | { readonly kind: "deleted" }
  | { readonly kind: "in_use"; readonly usedBy: readonly string[] };

/**
 * Deletes a user, unless something names them; then says among which resources that is. Call it in a transaction, which
 * goes on also if they are in use.
 */
export async function deleteUser(tx: Queryable, id: string): Promise<DeletedUser> {
  const refusal = await tryWrite(tx, () => orm(tx).delete(user).where(eq(user.id, id)));
  return refusal === undefined ? { kind: "deleted" } : { kind: "in_use", usedBy: await usedBy(tx, id) };
}

async function usedBy(tx: Queryable, id: string): Promise<string[]> {
  const { rows } = await tx.query<{ what: string }>(
    `select what from (values
       (1, 'email-sequences', exists (select from email_sequence where created_by = $1)
          or exists (select from sequence_version where created_by = $1)),
       (2, 'email-templates', exists (select from email_template_version where created_by = $1)),
       (3, 'imports', exists (select from contact_import where created_by = $1)),
       (4, 'api-keys', exists (select from api_key where user_id = $1))
     ) as place(number, what, is_there)
     where is_there order by number`,
    [id],
  );
  return rows.map(({ what }) => what);
}
