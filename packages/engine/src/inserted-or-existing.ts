import type { InsertedByName } from "@dripline/db/queries/insert-email-template";

/** The id of what is there under this name now, whoever made it: the built-in things give way to what people have. */
export function insertedOrExisting(result: InsertedByName): string {
  return result.kind === "inserted" ? result.id : result.existingId;
}
