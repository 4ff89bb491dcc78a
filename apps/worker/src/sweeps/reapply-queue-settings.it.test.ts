import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { makeSweepDeps } from "../testing/sweep-deps.ts";
import { reapplyQueueSettings } from "./reapply-queue-settings.ts";

const { pool: db } = await freshDatabase();
const { deps, queue } = makeSweepDeps(db, { now: () => new Date() });

test("the queue's settings are written at every run, and while it is down the run fails", async () => {
  expect(await reapplyQueueSettings.runOnce(deps)).toBe(0);
  expect(queue.settingsApplied).toBe(1);
  queue.isDown = true;
  await expect(reapplyQueueSettings.runOnce(deps)).rejects.toThrow(/cannot be reached/);
});
