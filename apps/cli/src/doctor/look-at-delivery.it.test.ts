import { noteDeliveryFailure } from "@dripline/db/note-delivery-failure";
import { freshDatabase } from "@dripline/testkit/database";
import { expect, test } from "vitest";
import { lookAtDelivery } from "./look-at-delivery.ts";

const { url, pool: db } = await freshDatabase();
const steps = { firstSeconds: 60, longestSeconds: 600 };
const startedAt = new Date();

test("nothing that is slowed down is good", async () => {
  expect(await lookAtDelivery(url)).toMatchObject([{ kind: "good" }]);
});

test("a transport that is slowed down is bad, a domain is a warning; both say since when, what was said and what to do", async () => {
  const failure = { steps, jitter: 1, startedAt };
  const scope = "domain:example.com";
  await noteDeliveryFailure(db, { ...failure, scope, reason: "domain_slowed", message: "421 4.7.0 slower" });
  await noteDeliveryFailure(db, { ...failure, scope: "transport", reason: "sender_refused", message: "550 5.7.26 no" });
  const [domain, transport] = await lookAtDelivery(url);
  expect(domain).toMatchObject({ kind: "warning", remedy: expect.stringContaining(`resume-delivery ${scope}`) });
  expect(domain?.text).toMatch(/^emails to example.com .*since 20\d\d-.* next try at 20\d\d-.*: 421 4.7.0 slower$/);
  expect(transport).toMatchObject({ kind: "bad", remedy: expect.stringMatching(/SPF.*retry --failed/) });
  expect(transport?.text).toContain("550 5.7.26 no");
});

test("a database that cannot be read is a warning: another look says what is wrong with it", async () => {
  expect(await lookAtDelivery("postgres://127.0.0.1:1/none")).toMatchObject([{ kind: "warning" }]);
});
