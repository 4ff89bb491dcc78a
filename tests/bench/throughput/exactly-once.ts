import type { Database } from "@dripline/db/database";
import type { MailSink } from "./mail-sink.ts";

/** The emails of one measurement: those that were scheduled from `from` to `until`. */
export interface Wave {
  readonly emails: number;
  readonly from: Date;
  readonly until: Date;
}

/**
 * @throws when an email of the wave did not arrive, arrived twice, is not recorded as sent, or stands at another time: such
 *   a run is no result
 */
export async function requireExactlyOnce(database: Database, sink: MailSink, wave: Wave): Promise<void> {
  const { rows } = await database.query<{ message_id: string | null; status: string }>(
    "select message_id, status from step_execution where scheduled_for between $1 and $2",
    [wave.from, wave.until],
  );
  const sent = new Set(rows.flatMap((row) => (row.status === "sent" ? [row.message_id] : [])));
  const recorded = sent.size;
  const arrived = await sink.messageIds();
  const isOnce =
    rows.length === wave.emails &&
    recorded === wave.emails &&
    arrived.length === wave.emails &&
    arrived.every((id) => sent.delete(id));
  if (!isOnce) {
    throw new Error(`No result: of ${wave.emails} emails ${recorded} are recorded as sent, ${arrived.length} arrived.`);
  }
}
