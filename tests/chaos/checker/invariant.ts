import type { History } from "../history/history.ts";

/** Something that has to hold of every run. */
export interface Invariant {
  /** Short, for tables and for naming what a control broke. */
  readonly name: string;
  /** A sentence for each place where the history breaks it; none if it holds. */
  readonly violations: (history: History) => string[];
}
