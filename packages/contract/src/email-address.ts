import { z } from "zod";

// RFC 5321 section 4.5.3.1: 64 octets before the "@", 254 in all (the path's 256 less its brackets).
const localPartMax = 64;
const addressMax = 254;
const labelMax = 63; // RFC 1035

const atoms = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const label = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;

/**
 * Why a text is not the address of one mailbox that mail can be sent to, as a sentence about it; undefined if it is one.
 * RFC 5321 without what nobody has and much software reads wrongly: quoted local parts, comments, address literals.
 */
export function problemWithEmailAddress(text: string): string | undefined {
  if (/[\p{Cc}\p{Cs}]/u.test(text)) return "contains a control character";
  if (/[,;]/.test(text) && text.split("@").length > 2) return "names more than one mailbox: give a single address";
  if (/[<>"]/.test(text)) return 'must be the bare address, such as "ann@example.com", without a name or quotes';
  if (/\s/.test(text)) return "contains a space";
  const at = text.lastIndexOf("@");
  if (at === -1) return 'is not an email address: it has no "@"';
  if (text.indexOf("@") !== at) return 'is not an email address: it has more than one "@"';
  if (text.length > addressMax) return `is longer than ${addressMax} characters`;
  return problemWithLocalPart(text.slice(0, at)) ?? problemWithDomain(text.slice(at + 1));
}

function problemWithLocalPart(local: string): string | undefined {
  if (local === "") return 'is not an email address: nothing stands before the "@"';
  if (/\P{ASCII}/u.test(local)) {
    return 'has letters beyond ASCII before the "@" (SMTPUTF8, RFC 6531), which is not supported yet';
  }
  if (local.length > localPartMax) return `has more than ${localPartMax} characters before the "@"`;
  return atoms.test(local) ? undefined : 'is not an email address: the part before the "@" is not valid';
}

function problemWithDomain(domain: string): string | undefined {
  if (domain === "") return 'is not an email address: nothing stands after the "@"';
  if (/\P{ASCII}/u.test(domain)) return "has a domain with letters beyond ASCII: write it in its xn-- form";
  const labels = domain.split(".");
  if (labels.length < 2) return "has a domain without a dot";
  if (labels.some((part) => part.length > labelMax || !label.test(part))) return "has a domain that is not valid";
  if (/^\d+$/.test(labels.at(-1) ?? "")) return "has a domain that ends in a number";
  return undefined;
}

/** The address of one mailbox, as it was written. Compared without regard to letter case. */
export const EmailAddress = z
  .string()
  .max(1_000, "is longer than an email address can be")
  .superRefine((value, context) => {
    const problem = problemWithEmailAddress(value);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  })
  .meta({ format: "email", examples: ["ann@example.com"] });
