import type { Database } from "@dripline/db/database";
import type { Pace } from "@dripline/domain/delay";
import type { SendLimits } from "@dripline/domain/throttle";
import type { WakeQueue } from "@dripline/queue/wake-queue";
import type { Logger } from "@dripline/runtime/logger";
import type { Spans } from "@dripline/telemetry/spans";
import type { ApiMetrics } from "./api-metrics.ts";
import type { TestMail } from "./open-test-mail.ts";
import type { RequestLimits } from "./request-limits.ts";

/** What the API stands on. Everything that differs between a test and production comes in here. */
export interface Deps {
  readonly database: Database;
  readonly queue: WakeQueue;
  readonly log: Logger;
  readonly metrics: ApiMetrics;
  readonly spans: Spans;
  readonly now: () => Date;
  readonly pace: Pace;
  /** What the workers keep to, so that it can be explained. */
  readonly limits: SendLimits;
  readonly requestLimits: RequestLimits;
  /** The address that emails come from, where this process knows it. */
  readonly sender: string | null;
  /** Hands test messages to the mail server; null where this process knows none, or no sender. */
  readonly testMail: TestMail | null;
  /** Signs unsubscribe links and the links to the operators' pages. */
  readonly secret: string;
  /** Where people reach the API, without a slash at the end. */
  readonly publicUrl: string;
  readonly version: string;
}
