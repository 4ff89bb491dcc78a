import { z } from "zod";
import { text } from "./fields.ts";

/** A filter on a yes-or-no column: `?is_active=true`. */
export const BooleanFilter = z.stringbool({ truthy: ["true"], falsy: ["false"], error: 'is "true" or "false"' });

const pageSizeMessage = "is a whole number from 1 to 100";

/**
 * The query of a list: cursor, page size, ordering, and the filters of this resource. Anything else is refused.
 * `orderings` are column names; each can be had in both directions (`name`, `-name`). The first is the default.
 */
export function listQuery<const Orderings extends readonly [string, ...string[]], Filters extends z.ZodRawShape>({
  orderings,
  filters,
}: {
  readonly orderings: Orderings;
  readonly filters: Filters;
}) {
  type Ordering = Orderings[number] | Opposite<Orderings[number]>;
  const allowed = [...orderings, ...orderings.map(opposite)] as [Ordering, ...Ordering[]];
  return z.strictObject({
    ...filters,
    ordering: z
      .enum(allowed, `is one of ${allowed.join(", ")}`)
      .default(orderings[0] as Ordering as never)
      .describe("Column to sort by; a leading `-` reverses"),
    page_size: z.coerce
      .number({ error: pageSizeMessage })
      .int(pageSizeMessage)
      .min(1, pageSizeMessage)
      .max(100, pageSizeMessage)
      .default(20),
    include_count: BooleanFilter.default(false).describe("Adds `count`, the number of all results on all pages"),
    cursor: z.string().max(1_000).optional().describe("From `next` or `previous`; opaque"),
  });
}

type Opposite<Ordering extends string> = Ordering extends `-${infer Column}` ? Column : `-${Ordering}`;

function opposite(ordering: string): string {
  return ordering.startsWith("-") ? ordering.slice(1) : `-${ordering}`;
}

/** Words to look for. Every character counts as itself. */
export const Search = text(200).min(1, "must not be empty");

/** One page of a list. `next` and `previous` are addresses of the neighbouring pages, null at the ends. */
export function pageOf<Item extends z.ZodType>(item: Item, id: string) {
  return z
    .strictObject({
      results: z.array(item),
      next: z.string().nullable(),
      previous: z.string().nullable(),
      count: z.int().optional().describe("Only with `?include_count=true`"),
    })
    .meta({ id });
}
