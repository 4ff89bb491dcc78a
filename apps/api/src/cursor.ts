import type { Page, PageRequest } from "@dripline/db/queries/keyset";
import { z } from "zod";
import { ProblemError } from "./problem-error.ts";

/** A place in a list, as a caller carries it: bound to the ordering that it was made in. */
const Cursor = z.strictObject({
  o: z.string(),
  s: z.enum(["after", "before"]),
  v: z.string(),
  id: z.uuid(),
});
type Cursor = z.infer<typeof Cursor>;

interface ListQuery {
  readonly ordering: string;
  readonly page_size: number;
  readonly include_count: boolean;
  readonly cursor?: string | undefined;
}

/** What a list's query asks of the database. @throws ProblemError when the cursor is none, or of another ordering */
export function pageRequest(query: ListQuery): PageRequest {
  return {
    ordering: query.ordering,
    size: query.page_size,
    from: query.cursor === undefined ? null : readCursor(query.cursor, query.ordering),
    includeCount: query.include_count,
  };
}

/** The body of a list's answer. `url` makes the address of the same list with other parameters. */
export function pageBody<Row, Item>(
  page: Page<Row>,
  query: ListQuery,
  url: (query: Record<string, string>) => string,
  toItem: (row: Row) => Item,
): { results: Item[]; next: string | null; previous: string | null; count?: number } {
  const address = (side: Cursor["s"], position: Page<Row>["next"]) =>
    position &&
    url({
      ...asParameters(query),
      cursor: writeCursor({ o: query.ordering, s: side, v: position.value, id: position.id }),
    });
  return {
    results: page.rows.map(toItem),
    next: address("after", page.next),
    previous: address("before", page.previous),
    ...(page.count === null ? {} : { count: page.count }),
  };
}

export function invalidCursor(cause?: unknown): ProblemError {
  const detail = "is not a cursor of this list; take it from `next` or `previous`, with the same ordering";
  return new ProblemError("invalid_query", "The cursor cannot be used.", {
    errors: [{ pointer: "/cursor", code: "invalid", detail }],
    cause,
  });
}

function asParameters(query: ListQuery): Record<string, string> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([name, value]) => [name, value instanceof Date ? value.toISOString() : String(value)]),
  );
}

function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString("base64url");
}

function readCursor(text: string, ordering: string): PageRequest["from"] {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch (error) {
    throw invalidCursor(error);
  }
  const cursor = Cursor.safeParse(json);
  if (!cursor.success || cursor.data.o !== ordering) throw invalidCursor(cursor.error);
  return { side: cursor.data.s, position: { value: cursor.data.v, id: cursor.data.id } };
}
