import { v7 } from "uuid";

/** A new UUIDv7 (RFC 9562): time-ordered, so that inserts stay at the end of an index. */
export function newId(): string {
  return v7();
}
