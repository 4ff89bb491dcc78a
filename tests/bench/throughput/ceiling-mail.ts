import { createTransport } from "nodemailer";
import { filledIn, html, subject, text, warmUpEmails } from "./message.ts";

// Ceiling A: what the mail library alone does. `node ceiling-mail.js <url> <messages> <connections>`

const [url, messages, connections] = process.argv.slice(2);
const address = new URL(url ?? "");
const pool = createTransport({
  pool: true,
  host: address.hostname,
  port: Number(address.port),
  maxConnections: Number(connections),
  maxMessages: Number.POSITIVE_INFINITY,
  ignoreTLS: true,
  allowInternalNetworkInterfaces: true,
});
const content = { subject: filledIn(subject), html: filledIn(html), text: filledIn(text) };
const send = (index: number) =>
  pool.sendMail({ from: "Bench <bench@example.com>", to: `p${index}@example.com`, ...content });

// Its connections are open and its code is warm when the time begins, as those of a worker are.
await Promise.all(Array.from({ length: warmUpEmails }, (_, index) => send(index)));
process.send?.({ type: "ready" });
const start = performance.now();
await Promise.all(Array.from({ length: Number(messages) }, (_, index) => send(index)));
process.send?.({ type: "result", seconds: (performance.now() - start) / 1_000 });
setInterval(() => {}, 1_000); // lives until it is ended, so that its CPU time can be read
