import { appendFile } from "node:fs/promises";
import { SMTPServer } from "smtp-server";

// Where there is no smtp-sink: takes every message and appends it to a file. `node node-sink.js <port> <file>`

const [port, file] = process.argv.slice(2);

new SMTPServer({
  disabledCommands: ["AUTH", "STARTTLS"],
  disableReverseLookup: true,
  onData(stream, _session, callback) {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      appendFile(file ?? "", Buffer.concat([...chunks, Buffer.from("\n")])).then(() => callback(), callback);
    });
  },
}).listen(Number(port), "127.0.0.1");
