import {
  type BackoffReason,
  type DeliveryBackoff,
  nameOfScope,
  TRANSPORT_SCOPE,
} from "@dripline/domain/delivery-backoff";
import { unreachable } from "@dripline/domain/unreachable";
import { askDatabase } from "./ask-database.ts";
import type { Finding } from "./finding.ts";

/** Whether the mail server and the recipients' domains take emails at our own pace; what they said if not. */
export async function lookAtDelivery(databaseUrl: string): Promise<Finding[]> {
  const found = await askDatabase<Finding[]>(databaseUrl, "what mail servers said", async (db) => {
    const { readDeliveryBackoffs } = await import("@dripline/db/queries/read-delivery-backoffs");
    const backoffs = await readDeliveryBackoffs(db);
    const good: Finding = { kind: "good", text: "nothing is slowed down by what mail servers said" };
    return backoffs.length === 0 ? [good] : backoffs.map(judgeBackoff);
  });
  return Array.isArray(found) ? found : [found];
}

/** While the transport is slowed down nobody gets email: that is bad. One domain's wish is kept, and known to pass. */
export function judgeBackoff({ scope, reason, message, since, nextAt }: DeliveryBackoff): Finding {
  const times = `since ${since.toISOString()}, next try at ${nextAt.toISOString()}`;
  const text =
    scope === TRANSPORT_SCOPE
      ? `sending stands still but for one email at a time (${times}): ${message}`
      : `emails to ${nameOfScope(scope)} leave one at a time (${times}): ${message}`;
  return { kind: scope === TRANSPORT_SCOPE ? "bad" : "warning", text, remedy: remedyFor(reason, scope) };
}

function remedyFor(reason: BackoffReason, scope: string): string {
  switch (reason) {
    case "transport_unusable":
      return "Put SMTP_URL or the mail server right. It is tried again by itself; at once by: dripline resume-delivery";
    case "sender_refused":
      return "Look at SPF, DKIM, DMARC and reputation of the sender, and at MAIL_FROM. Then: dripline resume-delivery, and for what failed: dripline retry --failed";
    case "transport_throttled":
      return "Set SENDS_PER_SECOND_MAX below the rate of your mail server's account, or raise that. It passes by itself.";
    case "domain_slowed":
      return `It passes by itself, and goes faster with each email that is accepted. To end it now: dripline resume-delivery ${scope}`;
    default:
      return unreachable(reason);
  }
}
