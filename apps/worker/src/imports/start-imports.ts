import { readImportedContact } from "@dripline/contract/imported-contact";
import { endForgottenUploads } from "@dripline/db/end-import";
import { takeImport } from "@dripline/db/take-import";
import { type ImportEnd, runImport } from "@dripline/engine/run-import";
import type { SendDeps } from "../send-deps.ts";

/** A day: whoever wanted to send the file has forgotten it, and what has come of it takes up room. */
const uploadHoursMax = 24;

export interface Imports {
  /** Takes no further import and waits for the batch that is under way; another worker goes on after it. */
  stop(): Promise<void>;
}

/**
 * Takes one import in, if one is waiting or was left by a worker that died. Answers its end, or undefined if there was none.
 * @throws when the database goes away
 */
export async function importOnce(deps: SendDeps, stopping: AbortSignal): Promise<ImportEnd | undefined> {
  await endForgottenUploads(deps.db, { now: deps.now(), hours: uploadHoursMax });
  const taken = await takeImport(deps.db, { now: deps.now() });
  if (taken === undefined) return undefined;
  deps.log.info({ importId: taken.id, rowsDone: taken.rowsDone }, "taking an import in");
  const end = await runImport({ ...deps, stopping, readContact: readImportedContact }, taken);
  deps.log.info({ importId: taken.id, end: end.kind }, "an import is over here");
  return end;
}

/**
 * Looks for imports now and then again `intervalSeconds` after it found none, one at a time. Not a sweep: a file takes
 * minutes, which must keep neither the sweeps waiting nor the emails.
 */
export function startImports(deps: SendDeps, intervalSeconds: number): Imports {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let wakeUp = () => {};
  const running = lookAgainAndAgain();

  async function lookAgainAndAgain(): Promise<void> {
    while (!stopping.signal.aborted) {
      const end = await importOnce(deps, AbortSignal.any([stopping.signal, deps.stopping])).catch((err: unknown) => {
        deps.log.error({ err }, "an import could not go on; it is tried again");
        return undefined;
      });
      const mayBeMore = end !== undefined && end.kind !== "stopped";
      if (mayBeMore || stopping.signal.aborted) continue;
      await new Promise<void>((resolve) => {
        wakeUp = resolve;
        timer = setTimeout(resolve, intervalSeconds * 1_000);
      });
    }
  }

  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      wakeUp();
      await running;
    },
  };
}
