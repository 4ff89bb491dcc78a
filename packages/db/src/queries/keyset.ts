import { and, getTableName, type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";

/** The place of one row in an ordering: the value it is sorted by, as PostgreSQL writes it, and its id. */
export interface Position {
  readonly value: string;
  readonly id: string;
}

export interface PageRequest<Ordering extends string = string> {
  /** A column's public name; a leading `-` reverses. */
  readonly ordering: Ordering;
  readonly size: number;
  /** null: the first page. */
  readonly from: { readonly side: "after" | "before"; readonly position: Position } | null;
  readonly includeCount: boolean;
}

export interface Page<Row> {
  readonly rows: Row[];
  /** The last row's, if rows follow it. */
  readonly next: Position | null;
  /** The first row's, if rows stand before it. */
  readonly previous: Position | null;
  readonly count: number | null;
}

/** What rows can be sorted by. Never null; `id` makes the order total. */
export interface SortKey {
  readonly expression: SQL | AnyPgColumn;
  readonly type: "timestamptz" | "text" | "integer" | "uuid";
}

/** A cursor's position that PostgreSQL cannot read: it was not made by `readPage` for this ordering. */
export class InvalidPositionError extends Error {}

export interface Clauses {
  readonly where: SQL | undefined;
  readonly orderBy: SQL[];
  readonly limit: number;
  /** To be selected as `sort_value`. */
  readonly sortValue: SQL<string>;
}

/** One row of a list's statement: `sort_value` and whatever the list shows. */
export type Sorted<Row> = Row & { readonly sort_value: string };

/**
 * Reads one page by keyset: "the rows after this one" is a condition, not a count, so rows that arrive or go meanwhile
 * neither double nor hide others, and page 1,000 costs what page 1 does.
 * @throws InvalidPositionError
 */
export async function readPage<Row extends { id: string }, Ordering extends string>(
  request: PageRequest<Ordering>,
  list: {
    readonly id: AnyPgColumn;
    readonly keys: Readonly<Record<string, SortKey>>;
    readonly where: SQL | undefined;
    /**
     * For a condition that may hold for most rows or for hardly any, such as a search over other tables. `where` has it in
     * words that an index of the list's own table answers; this has it for a few of that table's rows, which go by its name. The
     * rows next in order are looked at first, and only if they do not fill the page every row that matches is found and sorted.
     */
    readonly whereNear?: SQL | undefined;
    /** `where` is about the list's own table alone: rows are chosen before anything is joined to them. */
    readonly choose?: (clauses: Pick<Clauses, "where" | "orderBy" | "limit">) => SQL;
    readonly select: (clauses: Clauses) => Promise<Sorted<Row>[]>;
    readonly count: (where: SQL | undefined) => Promise<number>;
  },
): Promise<Page<Row>> {
  const key = list.keys[request.ordering.replace(/^-/, "")];
  if (key === undefined) throw new Error(`no sort key for the ordering ${request.ordering}`);
  const isBackwards = request.from?.side === "before";
  const isDescending = request.ordering.startsWith("-") !== isBackwards;

  const isBeyond = request.from === null ? undefined : beyond(request.from.position, key, list.id, isDescending);
  const orderBy = [directed(key.expression, isDescending), directed(list.id, isDescending)];
  const limit = request.size + 1;
  const select = (where: SQL | undefined) =>
    list
      .select({ where, orderBy, limit, sortValue: sql<string>`(${key.expression})::text` })
      .catch((error: unknown) => {
        if (request.from !== null && isDataException(error)) throw new InvalidPositionError("", { cause: error });
        throw error;
      });
  const { whereNear } = list;
  const where = and(list.where, isBeyond);
  const isChosen = list.choose && sql`${list.id} = any(array(${list.choose({ where, orderBy, limit })}))`;
  const near =
    whereNear === undefined
      ? undefined
      : await readNear(limit, (rows) =>
          select(
            sql`${list.id} = any(array(${chooseNear(list.id, whereNear, rows, { where: isBeyond, orderBy, limit })}))`,
          ),
        );
  const found = near ?? (await select(isChosen ?? where));
  const hasMore = found.length > request.size;
  const rows = found.slice(0, request.size);
  if (isBackwards) rows.reverse();

  const hasNext = isBackwards || hasMore;
  const hasPrevious = isBackwards ? hasMore : request.from !== null;
  return {
    rows: rows.map(({ sort_value: _, ...row }) => row as unknown as Row),
    next: hasNext ? positionOf(rows.at(-1)) : null,
    previous: hasPrevious ? positionOf(rows.at(0)) : null,
    count: request.includeCount ? await list.count(list.where) : null,
  };
}

/** Each costs a few microseconds: 3 ms for the first look, some 25 ms for the longest (docs/performance.md). */
const nearRows = 1_000;
const nearRowsMax = 8_000;
/** Matches are not spread evenly. */
const nearReserve = 1.5;

/**
 * A full page from the rows next in order, or undefined. A first look at some of them tells how many of them match: so few
 * that the page would hardly be full at the end of a longer look are few enough to be found by their index and sorted.
 */
async function readNear<Row>(limit: number, look: (rows: number) => Promise<Row[]>): Promise<Row[] | undefined> {
  const seen = await look(nearRows);
  if (seen.length === limit) return seen;
  const rowsOfPage = (nearRows * limit) / seen.length;
  if (rowsOfPage > nearRowsMax) return undefined;
  const more = await look(Math.min(Math.ceil(rowsOfPage * nearReserve), nearRowsMax));
  return more.length === limit ? more : undefined;
}

/** The ids of the first `limit` rows that match, of the `rows` that come next. They go by the table's name. */
function chooseNear(
  id: AnyPgColumn,
  whereNear: SQL,
  rows: number,
  { where, orderBy, limit }: Pick<Clauses, "where" | "orderBy" | "limit">,
): SQL {
  const order = sql.join(orderBy, sql`, `);
  return sql`
    with ${sql.identifier(getTableName(id.table))} as materialized (
      select * from ${id.table} where ${where ?? sql`true`} order by ${order} limit ${sql.raw(String(rows))}
    )
    select ${id} from ${id.table} where ${whereNear} order by ${order} limit ${sql.raw(String(limit))}`;
}

/** The ids of the rows of this column's table that come next. */
export function chooseFrom(id: AnyPgColumn): (clauses: Pick<Clauses, "where" | "orderBy" | "limit">) => SQL {
  return ({ where, orderBy, limit }) =>
    sql`select ${id} from ${id.table} where ${where ?? sql`true`} order by ${sql.join(orderBy, sql`, `)} limit ${sql.raw(String(limit))}`;
}

function beyond({ value, id }: Position, key: SortKey, idColumn: AnyPgColumn, isDescending: boolean): SQL {
  const compare = sql.raw(isDescending ? "<" : ">");
  if (key.expression === idColumn) return sql`${idColumn} ${compare} ${id}::uuid`;
  return sql`(${key.expression}, ${idColumn}) ${compare} (${value}::${sql.raw(key.type)}, ${id}::uuid)`;
}

function directed(expression: SQL | AnyPgColumn, isDescending: boolean): SQL {
  return sql`${expression} ${sql.raw(isDescending ? "desc" : "asc")}`;
}

function positionOf(row: { id: string; sort_value: string } | undefined): Position | null {
  return row === undefined ? null : { value: row.sort_value, id: row.id };
}

function isDataException(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    const { code } = e as { code?: unknown };
    if (typeof code === "string" && /^22\w{3}$/.test(code)) return true;
  }
  return false;
}
