import { createServer } from "node:net";
import { dataFate, recipientFate, replyMilliseconds, type SinkFaults } from "./decide-fault.ts";
import { openDurableLog } from "./durable-log.ts";
import { isAccepted, type SinkEntry } from "./sink-entry.ts";
import { SmtpSession } from "./smtp-session.ts";

// The mail server of a chaos run, a process of its own: `sink-main.js <log file> <port> <seed> <faults as JSON>`. Whatever
// it answers is in its log, on the disk, before it is answered.

const [logPath = "", port = "0", seedText = "0", faultsText = ""] = process.argv.slice(2);
const seed = Number(seedText);
const faults = JSON.parse(faultsText) as SinkFaults;
const log = await openDurableLog(logPath);
const recipients = new Map<string, number>();
const bodies = new Map<string, number>();

const rules = {
  recipientFate: (recipient: string) => recipientFate(faults, seed, recipient, count(recipients, recipient)),
  dataFate: (recipient: string) => dataFate(faults, seed, recipient, count(bodies, recipient)),
  replyMilliseconds: (recipient: string) => replyMilliseconds(faults, seed, recipient, bodies.get(recipient) ?? 0),
  now: () => Date.now(),
  async log(entry: SinkEntry) {
    await log.append(entry);
    if (isAccepted(entry)) process.send?.({ type: "accepted", entry });
  },
};

const server = createServer((socket) => void new SmtpSession(socket, rules));
server.listen(Number(port), "127.0.0.1", () => process.send?.({ type: "ready" }));
process.on("disconnect", () => process.exit(0));

function count(counts: Map<string, number>, name: string): number {
  const counted = (counts.get(name) ?? 0) + 1;
  counts.set(name, counted);
  return counted;
}
