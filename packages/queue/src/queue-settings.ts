import type { IQueueBackend } from "bullmq";

/** Nobody reads BullMQ's event stream here, and it writes several entries per job: keep just enough to look at. */
export const eventsKeptMax = 1_000;

/** Writes what BullMQ keeps as settings beside the jobs, where FLUSHALL deletes it. */
export async function applyQueueSettings(backend: Pick<IQueueBackend, "setQueueMeta">): Promise<void> {
  await backend.setQueueMeta({ "opts.maxLenEvents": eventsKeptMax });
}

/** Somebody paused the queue on purpose; FLUSHALL would be the only thing that forgets it. */
export const pausedWarning = "The queue is paused: nothing is sent until somebody resumes it in Bull Board.";
