import { setTimeout as wait } from "node:timers/promises";
import { notePublicOrigin, readFence } from "@dripline/db/read-fence";
import { adoptRemedy, type Fence, publicOriginOf } from "@dripline/domain/fence";
import type { SendDeps } from "./send-deps.ts";

/** A database is not swapped under a running worker every day; and the claim looks for itself. */
const openSeconds = 5;
/** Somebody who has just adopted it sits there and waits. */
const closedSeconds = 2;
/** Whoever looks into the log later should see why nothing goes out; whoever looks now should not drown. */
const looksBetweenWords = 30;

export interface FenceWatch {
  /** As of the last look; closed before the first one. */
  isOpen(): boolean;
  /** Resolves when the database was looked at for the first time, and what it said was acted upon. */
  whenKnown(): Promise<void>;
  /** Looks no more. */
  stop(): void;
}

type Deps = Pick<SendDeps, "db" | "log" | "publicUrl">;

/**
 * Looks again and again whether email may leave from this database, and tells when that changes. While the database does
 * not answer, things stay as they were.
 */
export function watchFence(deps: Deps, on: { readonly open: () => void; readonly close: () => void }): FenceWatch {
  const stopping = new AbortController();
  let isOpen = false;
  let silentLooks = 0;
  let known = () => {};
  const whenKnown = new Promise<void>((resolve) => {
    known = resolve;
  });
  void lookAgainAndAgain();

  async function lookAgainAndAgain(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look();
      const seconds = isOpen ? openSeconds : closedSeconds;
      await wait(seconds * 1_000, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  }

  async function look(): Promise<void> {
    let fence: Fence;
    try {
      fence = await readAsWorker(deps);
    } catch (err) {
      deps.log.warn({ err }, "whether email may leave from this database could not be read");
      return;
    }
    if (stopping.signal.aborted) return;
    if (fence.kind === "open") letGo();
    else hold(fence);
    known();
  }

  function letGo(): void {
    if (isOpen) return;
    if (silentLooks > 0) deps.log.info({}, "this database is adopted: emails go out from here");
    silentLooks = 0;
    isOpen = true;
    on.open();
  }

  function hold({ reason, message }: Extract<Fence, { kind: "closed" }>): void {
    if (silentLooks % looksBetweenWords === 0) deps.log.warn({ reason }, `fenced: ${message} ${adoptRemedy}`);
    silentLooks += 1;
    if (!isOpen) return;
    isOpen = false;
    on.close();
  }

  return { isOpen: () => isOpen, whenKnown: () => whenKnown, stop: () => stopping.abort() };
}

/** Of two first workers with different addresses one is first: the other one finds that address there, not its own. */
async function readAsWorker({ db, publicUrl }: Deps): Promise<Fence> {
  const fence = await readFence(db, publicUrl);
  if (fence.kind === "closed" || fence.publicOrigin !== null || publicOriginOf(publicUrl) === null) return fence;
  await notePublicOrigin(db, publicUrl);
  return readFence(db, publicUrl);
}
