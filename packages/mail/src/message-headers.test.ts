import fc from "fast-check";
import MailComposer from "nodemailer/lib/mail-composer";
import { describe, expect, test } from "vitest";
import { oneLine } from "./mail-address.ts";
import { mailboxHeader, textHeader } from "./message-headers.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom("", "Ann Lee", "Lee, Ann", "Müller", '"', "\\", "=?utf-8?Q?x?=", "x".repeat(120), "a b ".repeat(60)),
);

/** Both ways build the same headers, so that leaving out the library where it has nothing to do shows nowhere. */
describe("headers are those of the mail library", () => {
  test("of a mailbox, whatever its name", async () => {
    await fc.assert(
      fc.asyncProperty(text, async (written) => {
        const name = oneLine(written.toWellFormed());
        const mailbox = { name, address: "ann@example.org" };
        expect(mailboxHeader("To", mailbox)).toBe(await headerOf({ to: [mailbox] }, "To"));
      }),
      { numRuns: 500 },
    );
  });

  test("of a subject, whatever it says", async () => {
    await fc.assert(
      fc.asyncProperty(text, async (written) => {
        const subject = oneLine(written.toWellFormed());
        fc.pre(subject !== "");
        expect(textHeader("Subject", subject)).toBe(await headerOf({ subject }, "Subject"));
      }),
      { numRuns: 500 },
    );
  });
});

async function headerOf(mail: object, name: string): Promise<string | undefined> {
  const raw = await new MailComposer({ ...mail, text: "x", textEncoding: "quoted-printable", newline: "windows" })
    .compile()
    .build();
  const [head = ""] = raw.toString().split("\r\n\r\n");
  return new RegExp(`^${name}:.*(?:\\r\\n[ \\t].*)*`, "m").exec(head)?.[0];
}
