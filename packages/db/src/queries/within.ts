import { and, gt, gte, lt, lte, type SQL } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";

/** Bounds of a range of instants; what is left out does not bound it. */
export interface Bounds {
  readonly gte?: Date | undefined;
  readonly gt?: Date | undefined;
  readonly lte?: Date | undefined;
  readonly lt?: Date | undefined;
}

/** Whether a column's instant lies within these bounds. */
export function within(column: AnyPgColumn, bounds: Bounds): SQL | undefined {
  return and(
    bounds.gte === undefined ? undefined : gte(column, bounds.gte),
    bounds.gt === undefined ? undefined : gt(column, bounds.gt),
    bounds.lte === undefined ? undefined : lte(column, bounds.lte),
    bounds.lt === undefined ? undefined : lt(column, bounds.lt),
  );
}
