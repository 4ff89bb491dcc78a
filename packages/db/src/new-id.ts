import { uuidv7 } from "uuidv7";

/** A new UUIDv7 (RFC 9562): time-ordered, so that inserts stay at the end of an index. */
export function newId(): string {
  return uuidv7();
}
