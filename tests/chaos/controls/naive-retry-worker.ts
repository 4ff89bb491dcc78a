import type { MailTransport } from "@dripline/mail/transport";
import { startWorker } from "@dripline/worker/start-worker";
import { changeStatements } from "./change-statements.ts";

// What got no reply is taken for not sent, and so is what a dead worker had in hand.

await startWorker(process.env, {
  transport: retrying,
  database: (pool) =>
    changeStatements(pool, ({ name, text }) => {
      if (name === "find-expired-leases")
        return { text: text.replace("select id, generation, phase", "select id, generation, 'claimed' as phase") };
      if (name === "release-claimed") return { text: text.replace("and e.phase = 'claimed'", "") };
      return undefined;
    }),
});

function retrying(transport: MailTransport): MailTransport {
  return {
    async deliver(message, onBeforeBody) {
      const reply = await transport.deliver(message, onBeforeBody);
      if (reply.kind !== "in_doubt") return reply;
      return { kind: "unreachable", phase: "data", cause: "network", error: reply.error };
    },
    callOff: () => transport.callOff(),
    verify: () => transport.verify(),
    close: () => transport.close(),
  };
}
