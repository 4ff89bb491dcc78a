import { createHmac, timingSafeEqual } from "node:crypto";

// 128 bit: out of reach of guessing, and short enough that List-Unsubscribe is not folded. A folded one broke DKIM
// signatures at a relay (nodemailer issue 1654).
const signatureBytes = 16;
const signatureLength = 22; // 16 bytes in base64url
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * A token that names an enrollment or execution in an unsubscribe link (RFC 8058). It holds the id and a 128-bit
 * signature bound to this one purpose: it proves nothing anywhere else, carries no address, and never expires, because
 * a person may unsubscribe from a message of years ago.
 *
 * @param id a UUID (packed: 44 characters in all) or another id of letters, digits, `_` and `-`
 * @param secret at least 16 characters; with another secret, links already sent stop working
 */
export function unsubscribeToken(id: string, secret: string): string {
  const name = pack(id);
  if (name === null) throw new Error(`not an id that an unsubscribe token can carry: ${JSON.stringify(id)}`);
  if (secret.length < 16) throw new Error("the secret for unsubscribe tokens must have at least 16 characters");
  return name + sign(name, secret).toString("base64url");
}

/** The id that `unsubscribeToken` put into the token, or `null` when it was not made with this secret. */
export function readUnsubscribeToken(token: string, secret: string): string | null {
  if (token.length <= signatureLength || token.length > 200 || !/^[A-Za-z0-9_-]+$/.test(token)) return null;
  const name = token.slice(0, -signatureLength);
  const text = token.slice(-signatureLength);
  const given = Buffer.from(text, "base64url");
  // base64url ignores the last two bits: without this comparison four spellings of a token would be valid.
  if (given.length !== signatureBytes || given.toString("base64url") !== text) return null;
  if (!timingSafeEqual(given, sign(name, secret))) return null;
  return unpack(name);
}

function sign(name: string, secret: string): Buffer {
  return createHmac("sha256", secret).update(`unsubscribe:v1:${name}`).digest().subarray(0, signatureBytes);
}

// "u" + 22 characters for a UUID, "s" + the id itself for anything else.
function pack(id: string): string | null {
  if (uuid.test(id)) return `u${Buffer.from(id.replaceAll("-", ""), "hex").toString("base64url")}`;
  return /^[A-Za-z0-9_-]{1,100}$/.test(id) ? `s${id}` : null;
}

function unpack(name: string): string | null {
  if (name.startsWith("s")) return name.slice(1);
  const hex = Buffer.from(name.slice(1), "base64url").toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
