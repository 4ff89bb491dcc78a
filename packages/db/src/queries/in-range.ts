import { and, gt, gte, lt, lte, type SQL } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";

const bounds = { gte, gt, lte, lt };

/** What a list was asked about when something was: `sent_at__gte` and its like, each on its own or several together. */
export type InstantRange<Name extends string> = {
  readonly [Filter in `${Name}__${keyof typeof bounds}`]?: Date | undefined;
};

/** Whether the column lies within the bounds that the filters set; a null does not. */
export function inRange<const Name extends string>(
  column: AnyPgColumn,
  name: Name,
  filters: InstantRange<Name>,
): SQL | undefined {
  const asked = Object.entries(bounds).flatMap(([bound, compare]) => {
    const at = filters[`${name}__${bound}` as keyof InstantRange<Name>];
    return at === undefined ? [] : [compare(column, at)];
  });
  return and(...asked);
}
