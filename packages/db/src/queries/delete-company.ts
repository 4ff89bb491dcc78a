import type { Queryable } from "../database.ts";

/**
 * Deletes a company, unless somebody is on their way through a sequence with it: their emails may name it, or follow its
 * time zone. Contacts and enrollments that are over go on without a company.
 */
export async function deleteCompany(tx: Queryable, id: string): Promise<"deleted" | "in_use"> {
  // Enrollments that would name it wait for this transaction, so none can begin between the look and the deletion.
  await tx.query("select from company where id = $1 for update", [id]);
  const { rowCount } = await tx.query(
    `delete from company co where co.id = $1 and not exists (
       select from sequence_enrollment n join contact c on c.id = n.contact_id
       where n.status in ('active', 'paused') and coalesce(n.company_id, c.company_id) = co.id
     )`,
    [id],
  );
  return rowCount === 1 ? "deleted" : "in_use";
}
