import type { Queryable } from "../database.ts";

/**
 * Deletes a company, unless somebody is on their way through a sequence with it: their emails may name it, or follow its
 * time zone. Contacts and enrollments that are over go on without a company.
 */
export async function deleteCompany(tx: Queryable, id: string): Promise<"deleted" | "in_use"> {
  // Enrollments that would name it wait for this transaction, so none can begin between the look and the deletion.
  await tx.query("select from company where id = $1 for update", [id]);
  const { rowCount } = await tx.query(
    `select from company co where co.id = $1 and not exists (
       select from sequence_enrollment n join contact c on c.id = n.contact_id
       where n.status in ('active', 'paused') and coalesce(n.company_id, c.company_id) = co.id
     )`,
    [id],
  );
  if (rowCount === 0) return "in_use";
  // Their foreign keys would let go of it as well, but leave them at the revision that named it.
  for (const table of ["contact", "sequence_enrollment"]) {
    await tx.query(
      `update ${table} set company_id = null, revision = revision + 1, updated_at = now() where company_id = $1`,
      [id],
    );
  }
  await tx.query("delete from company where id = $1", [id]);
  return "deleted";
}
