import { sql } from "drizzle-orm";
import { contact } from "../schema/people.ts";

/** A contact's name as it is searched: letter for letter the expression of `contact_name_search_idx`. */
export const fullName = sql<string>`(${contact.firstName} || ' ' || ${contact.lastName})`;
