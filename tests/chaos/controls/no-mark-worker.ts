import { startWorker } from "@dripline/worker/start-worker";
import { changeStatements } from "./change-statements.ts";

// The mark before the first body byte is answered with "done", and not made.

await startWorker(process.env, {
  database: (pool) =>
    changeStatements(pool, ({ name, values }) => {
      if (name !== "mark-data") return undefined;
      const [executionIds] = values as [string[]];
      return { rows: executionIds.map((id) => ({ id })) };
    }),
});
