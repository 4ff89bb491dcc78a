import { domainToASCII } from "node:url";

/** One mailbox. The name may hold anything (it is encoded), the address must be a plain `local@domain`. */
export type MailAddress = { name: string; address: string };

/**
 * The mailbox as it can stand in a header: the domain in ASCII, the name on one line.
 * @throws when the address is not one plain ASCII mail address with a domain that has a dot (or is localhost)
 */
export function plainMailbox({ name, address }: MailAddress): MailAddress {
  // Dot-atoms only (RFC 5322 section 3.2.3). Quoted local parts exist on paper; what they bring in practice is injection.
  const match = /^([\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*)@([^\s@<>"(),:;[\]\\]+)$/.exec(address);
  const domain = domainToASCII(match?.[2] ?? "");
  if (match === null || !(domain.includes(".") || domain === "localhost")) {
    throw new Error(`not one plain ASCII mail address: ${JSON.stringify(address)}`);
  }
  return { name: oneLine(name), address: `${match[1]}@${domain}` };
}

/** Without anything that could end a header line. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, " ").trim();
}
