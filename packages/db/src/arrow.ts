import type { Queryable } from "./database.ts";
import { newId } from "./new-id.ts";

/** One execution that is to move, the generation that its mover holds, and the sentence that it leaves behind. */
export interface Move {
  readonly executionId: string;
  readonly generation: number;
  readonly reason: string;
  readonly message: string;
  /** What the mail server answered, where it did. */
  readonly smtpCode?: number | null;
  readonly enhancedCode?: string | null;
}

export interface MoveTo extends Move {
  readonly at: Date;
}

/** Who moves it and when: the same for every row of one call. */
export interface MovedBy {
  readonly now: Date;
  readonly actor: string;
}

/**
 * Runs one arrow: `update` is the guarded UPDATE over `input w(execution_id, generation, at, reason, message, smtp_code, enhanced_code)` and
 * returns `e.id`; every row that moved gets an event of `kind`. Answers which rows moved.
 */
export async function runArrow(
  db: Queryable,
  arrow: { readonly name: string; readonly kind: string; readonly before?: string; readonly update: string },
  moves: readonly (Move & { readonly at?: Date })[],
  { now, actor }: MovedBy,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: arrow.name,
    text: `
      with input as (
        select * from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[], $9::int[], $10::text[])
          as w(execution_id, generation, at, reason, message, event_id, smtp_code, enhanced_code)
      ),
      ${arrow.before ?? ""}
      moved as (${arrow.update}),
      told as (
        insert into execution_event (id, execution_id, at, kind, reason, message, actor)
        select w.event_id, w.execution_id, $7, '${arrow.kind}', w.reason, w.message, $8
        from input w join moved on moved.id = w.execution_id
      )
      select id from moved`,
    values: [
      moves.map((m) => m.executionId),
      moves.map((m) => m.generation),
      moves.map((m) => m.at ?? null),
      moves.map((m) => m.reason),
      moves.map((m) => m.message),
      moves.map(() => newId()),
      now,
      actor,
      moves.map((m) => m.smtpCode ?? null),
      moves.map((m) => m.enhancedCode ?? null),
    ],
  });
  return rows.map((row) => row.id);
}
