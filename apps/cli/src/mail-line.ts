import { printable } from "./printable.ts";
/**
 * One line for one delivered email, with the time as this machine's clock on the wall shows it. Subjects come from
 * anywhere: control characters, which could move the cursor or change colours, are taken out.
 */
export function mailLine(message: { receivedAt: Date; to: readonly string[]; subject: string }): string {
  const time = message.receivedAt.toLocaleTimeString("en-GB", { hour12: false });
  return printable(`✉ ${time} ${message.to.join(", ").padEnd(28)}  ${message.subject}`);
}
