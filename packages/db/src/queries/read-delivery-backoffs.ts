import type { DeliveryBackoff } from "@dripline/domain/delivery-backoff";
import { asc, inArray } from "drizzle-orm";
import { orm, type Queryable } from "../database.ts";
import { deliveryBackoff } from "../schema/limits.ts";

/** Which of these scopes are slowed down, or all that are; the transport comes last, as it sorts. */
export async function readDeliveryBackoffs(
  db: Queryable,
  scopes: readonly string[] | "all" = "all",
): Promise<DeliveryBackoff[]> {
  const { scope, reason, message, since, nextAt, intervalSeconds } = deliveryBackoff;
  return orm(db)
    .select({ scope, reason, message, since, nextAt, intervalSeconds })
    .from(deliveryBackoff)
    .where(scopes === "all" ? undefined : inArray(scope, [...scopes]))
    .orderBy(asc(scope));
}
