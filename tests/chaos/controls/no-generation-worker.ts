import { setTimeout as wait } from "node:timers/promises";
import type { MailTransport } from "@dripline/mail/transport";
import { startWorker } from "@dripline/worker/start-worker";
import { changeStatements } from "./change-statements.ts";

// No statement compares generations: whoever holds an old one writes all the same. The guards beside it (state, phase,
// lease) leave a gap only while another worker has the row claimed, so this one takes its time there, and with the reply.

const claimedMilliseconds = 800;
/** Longer than that: the other worker sends before this one can record. */
const replyMilliseconds = 2_500;

await startWorker(process.env, {
  transport: dawdling,
  database: (pool) =>
    changeStatements(pool, ({ text }) => {
      const blind = text.replaceAll(/\be\.generation = \w+\.generation\b/g, "true");
      return blind === text ? undefined : { text: blind };
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
