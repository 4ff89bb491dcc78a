import type { Sweep } from "./sweep.ts";

/** Writes the queue's own settings again: FLUSHALL, or a Redis that restarted without its data, has lost them. One command. */
export const reapplyQueueSettings: Sweep = {
  name: "reapply-queue-settings",
  async runOnce({ queue }) {
    await queue.applySettings();
    return 0;
  },
};
