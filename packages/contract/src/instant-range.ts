import type { z } from "zod";
import { Instant } from "./fields.ts";

type Bound = "gte" | "gt" | "lte" | "lt";

/** Filters on when something was: `sent_at__gte`, `sent_at__gt`, `sent_at__lte`, `sent_at__lt`. */
export function instantRange<const Column extends string>(column: Column) {
  return {
    [`${column}__gte`]: Instant.optional().describe("At this moment or later"),
    [`${column}__gt`]: Instant.optional().describe("Later than this moment"),
    [`${column}__lte`]: Instant.optional().describe("At this moment or earlier"),
    [`${column}__lt`]: Instant.optional().describe("Earlier than this moment"),
  } as { readonly [Name in `${Column}__${Bound}`]: z.ZodOptional<typeof Instant> };
}
