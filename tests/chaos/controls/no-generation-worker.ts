import { setTimeout as wait } from "node:timers/promises";
import type { MailTransport } from "@dripline/mail/transport";
import { startWorker } from "@dripline/worker/start-worker";
import { changeStatements } from "./change-statements.ts";

// Generations never go up, so comparing them says nothing: whoever held an email once passes for the one who holds it now.
// State, phase and lease keep two workers apart as well, and a late reply settles the row of whoever has it, so one gap is
// left: a worker that was frozen with a claim lets go of the row while another one waits for its reply, and a third one
// sends before that reply is recorded. This worker takes its time in both places.

const claimedMilliseconds = 1_500;
/** Longer than a sweep takes to find the row that was let go; shorter than the lease. */
const replyMilliseconds = 5_500;

await startWorker(process.env, {
  transport: dawdling,
  database: (pool) =>
    changeStatements(pool, ({ text }) => {
      const standing = text.replaceAll("generation = e.generation + 1", "generation = e.generation");
      return standing === text ? undefined : { text: standing };
    }),
});

function dawdling(transport: MailTransport): MailTransport {
  return {
    async deliver(message, onBeforeBody) {
      await wait(claimedMilliseconds);
      const reply = await transport.deliver(message, onBeforeBody);
      await wait(replyMilliseconds);
      return reply;
    },
    callOff: () => transport.callOff(),
    verify: () => transport.verify(),
    close: () => transport.close(),
  };
}
