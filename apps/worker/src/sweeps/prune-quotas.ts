import { pruneSendQuotas } from "@dripline/db/prune-send-quotas";
import type { Sweep } from "./sweep.ts";

/** Far behind any date that still counts, and enough to look back on a month. */
const keepDays = 40;

/** Deletes counts of dates long over. The table has no index for it and grows by a row per sequence and day: now and then will do. */
export const pruneQuotas: Sweep = {
  name: "prune-quotas",
  everySeconds: 6 * 3_600,
  runOnce: ({ db }) => pruneSendQuotas(db, keepDays),
};
