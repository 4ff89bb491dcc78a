import { createHmac, timingSafeEqual } from "node:crypto";

/** Where the API takes the token of a link and signs the browser in. */
export const opsLoginPath = "/ops/login";

/**
 * A link that lets a browser into the queue's page (Bull Board), which has no login of its own. It needs no database and
 * no account: whoever holds the secret can make one.
 *
 * @param now when it is made; it opens the page until `validSeconds` later, as often as one likes
 */
export function opsLink(
  publicUrl: string,
  secret: string,
  { now, validSeconds }: { readonly now: Date; readonly validSeconds: number },
): string {
  const expires = String(Math.floor(now.getTime() / 1_000) + validSeconds);
  return `${publicUrl}${opsLoginPath}?token=${expires}.${sign(expires, secret).toString("base64url")}`;
}

/** When the token of a link ends to be valid, or undefined if it already has, or was not made with this secret. */
export function readOpsToken(token: string, secret: string, now: Date): Date | undefined {
  const [, expires, signature] = /^(\d{1,12})\.([\w-]{43})$/.exec(token) ?? [];
  if (expires === undefined || signature === undefined) return undefined;
  const given = Buffer.from(signature, "base64url");
  if (!timingSafeEqual(given, sign(expires, secret))) return undefined;
  const expiresAt = new Date(Number(expires) * 1_000);
  return expiresAt > now ? expiresAt : undefined;
}

/** The words before the value keep this signature from being one for anything else that the secret signs. */
function sign(expires: string, secret: string): Buffer {
  return createHmac("sha256", secret).update(`dripline ops link, valid until ${expires}`).digest();
}
