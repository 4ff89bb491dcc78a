import { createInterface } from "node:readline/promises";

/** How a command that changes much finds out whether it is meant: by `--yes`, or by asking whoever sits at the terminal. */
export interface AskFirst {
  readonly isSure: boolean;
  /** Undefined: nobody sits there. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
}

/** Asks on the terminal; anything but a yes is a no. */
export async function askOnTerminal(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

/** Whether to go on. A no of somebody who was asked is an answer and no mistake; nobody to ask is one. */
export async function askFirst({ isSure, ask }: AskFirst, question: string): Promise<"yes" | "no" | "nobody_to_ask"> {
  if (isSure) return "yes";
  if (ask === undefined) return "nobody_to_ask";
  return (await ask(question)) ? "yes" : "no";
}
