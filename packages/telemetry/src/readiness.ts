/** Whether a process does its work, and if not, the sentence that says what is missing. */
export type Readiness = { readonly status: "ready" } | { readonly status: "not_ready"; readonly reason: string };

export interface ReadinessBoard {
  /** What the process waits for, as a sentence. */
  waitFor(reason: string): void;
  ready(): void;
  read(): Readiness;
}

/** Not ready until told so, and never again once `stopping` is aborted. */
export function makeReadinessBoard(stopping: AbortSignal): ReadinessBoard {
  let current: Readiness = { status: "not_ready", reason: "The process is starting." };
  return {
    waitFor(reason) {
      current = { status: "not_ready", reason };
    },
    ready() {
      current = { status: "ready" };
    },
    read: () => (stopping.aborted ? { status: "not_ready", reason: "The process is stopping." } : current),
  };
}
