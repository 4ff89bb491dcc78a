import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, truncate } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@dripline/embedded/free-port";
import { waitFor } from "@dripline/testkit/wait-for";

/** A mail server that takes everything, in a process of its own. */
export interface MailSink {
  /** For the table: which one it is. */
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** The Message-ID of every message that it has taken since the last `forget`, doubles included. */
  messageIds(): Promise<string[]>;
  forget(): Promise<void>;
  stop(): Promise<void>;
}

/** Postfix's `smtp-sink` costs next to nothing; `smtp-server` is a library of Node.js and takes as much as a worker. */
export const mailSinkKinds = ["smtp-sink", "smtp-server"] as const;
export type MailSinkKind = (typeof mailSinkKinds)[number];

/** Where Debian's package postfix puts it; sbin is not on everybody's PATH. */
const postfixSink = "/usr/sbin/smtp-sink";

/** @param wanted undefined: `smtp-sink` where it is installed, else `smtp-server` */
export async function startMailSink(wanted: MailSinkKind | undefined): Promise<MailSink> {
  const isPostfix = (wanted ?? (existsSync(postfixSink) ? "smtp-sink" : "smtp-server")) === "smtp-sink";
  if (isPostfix && !existsSync(postfixSink)) {
    throw new Error(`There is no ${postfixSink}: install postfix, or leave --sink out.`);
  }
  const directory = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "dripline-bench-"));
  await chmod(directory, 0o777); // smtp-sink gives up root
  const file = join(directory, "messages");
  const port = await freePort();
  const child = isPostfix
    ? spawn(postfixSink, [
        ...(process.getuid?.() === 0 ? ["-u", "nobody"] : []),
        "-D",
        file,
        `127.0.0.1:${port}`,
        "1024",
      ])
    : spawn(process.execPath, [fileURLToPath(new URL("node-sink.js", import.meta.url)), String(port), file]);
  await waitFor(() => answers(port), { timeoutMilliseconds: 10_000, describe: "the mail sink to answer" });
  return {
    name: isPostfix ? "smtp-sink (Postfix)" : "smtp-server (Node.js)",
    url: `smtp://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    async messageIds() {
      const text = existsSync(file) ? await readFile(file, "latin1") : "";
      return [...text.matchAll(/^Message-ID: (<[^>]*>)/gim)].map((match) => match[1] ?? "");
    },
    forget: async () => {
      if (existsSync(file)) await truncate(file);
    },
    async stop() {
      await end(child);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<boolean> {
  const socket = net.connect(port, "127.0.0.1");
  try {
    await once(socket, "data");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
