import { createHmac } from "node:crypto";

/**
 * The Message-ID of one execution, with its angle brackets: the same for every attempt, so that a copy which arrives
 * after a doubt is recognised as the same message (RFC 5322 section 3.6.4). Nobody without the secret can guess one,
 * and it tells nothing about who it was sent to.
 *
 * @param domain the sender's domain, ASCII (an internationalised one in its `xn--` form)
 * @param secret at least 16 characters; changing it changes the ids of messages not yet sent, which is harmless
 */
export function messageIdFor(executionId: string, domain: string, secret: string): string {
  if (!/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i.test(domain)) {
    throw new Error(`not a domain a Message-ID can end with: ${JSON.stringify(domain)}`);
  }
  if (secret.length < 16) throw new Error("the secret for Message-IDs must have at least 16 characters");
  // 160 bit in 27 characters: the header stays on one line.
  const digest = createHmac("sha256", secret).update(`message-id:${executionId}`).digest().subarray(0, 20);
  return `<${digest.toString("base64url")}@${domain.toLowerCase()}>`;
}
