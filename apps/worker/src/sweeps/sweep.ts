import type { SweepDeps } from "./sweep-deps.ts";

/** Something that every worker looks after, one worker at a time: what was lost, forgotten or is simply time to do. */
export interface Sweep {
  /** For the log: what it does, as its file is called. */
  readonly name: string;
  /** At most so often in one process; at every round without it. */
  readonly everySeconds?: number;
  /** Looks once and deals with what it finds. Answers how many rows it moved. Running it twice at once does no harm. */
  runOnce(deps: SweepDeps): Promise<number>;
}
