import type { MailCeiling } from "./ceilings.ts";
import type { Drained } from "./drain.ts";
import type { Enrolled } from "./enroll.ts";
import type { Growth } from "./growth.ts";
import type { Machine } from "./machine.ts";
import type { Lateness } from "./punctuality.ts";
import type { Backend, ServiceVersions } from "./services.ts";
import type { Sizes } from "./sizes.ts";
import type { WaitingCost } from "./waiting-cost.ts";

/** Everything that `npm run bench` has measured; what is written as JSON. One entry per run. */
export interface Results {
  readonly startedAt: string;
  readonly isQuick: boolean;
  readonly sizes: Sizes;
  readonly machine: Machine;
  readonly services: ServiceVersions;
  readonly drains: ComparedDrain[];
  readonly enrollments: (Enrolled & { readonly backend: Backend })[];
  readonly lateness: Lateness[];
  readonly waiting: WaitingCost[];
  growth: Growth | null;
}

export interface ComparedDrain {
  readonly backend: Backend;
  readonly workers: number;
  readonly drained: Drained;
  /** Ceiling A right before and right after. */
  readonly ceilings: readonly [MailCeiling, MailCeiling];
}
