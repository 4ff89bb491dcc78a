import { integer, timestamp, uuid } from "drizzle-orm/pg-core";

/** UUIDv7, made by the caller: time-ordered, so inserts stay at the end of the index. */
export const id = () => uuid("id").primaryKey();

/** An instant in UTC. Millisecond precision, as JavaScript has it, so that a value survives the round trip unchanged. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: "date" });

export const createdAt = () => instant("created_at").notNull().defaultNow();
export const updatedAt = () => instant("updated_at").notNull().defaultNow();

/** Goes up with every edit: what `If-Match` compares. */
export const revision = () => integer("revision").notNull().default(1);
