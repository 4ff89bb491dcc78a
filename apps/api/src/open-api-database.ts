import { type Database, type DatabasePatience, openDatabase } from "@dripline/db/database";

/**
 * Somebody waits for every answer of the API, and a client or a proxy between gives up after 10 to 60 s without knowing
 * what became of the request. A statement takes milliseconds; those that move a whole sequence ask for more time
 * themselves (`bulk-statement.ts`). A request whose database fell silent is answered after 3 + 10 s at most.
 */
const patience: DatabasePatience = { connect: 3_000, statement: 8_000, answer: 10_000, silence: 15_000 };

/** The API's pool. Connects to nothing by itself. */
export function openApiDatabase(url: string, onError: (error: Error) => void): Database {
  // A request needs one connection at a time and holds it for a few milliseconds.
  return openDatabase({ url, connectionsMax: 10, applicationName: "dripline api", patience, onError });
}
