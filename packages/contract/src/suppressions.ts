import { z } from "zod";
import { EmailAddress } from "./email-address.ts";
import { Id, Instant, text } from "./fields.ts";
import { instantRange } from "./instant-range.ts";
import { listQuery, pageOf, Search } from "./list.ts";
import { defineOperation } from "./operation.ts";
import { Revision } from "./sequence-steps.ts";

const SuppressionReason = z
  .enum(["unsubscribe", "hard_bounce", "complaint", "manual"])
  .describe("`hard_bounce` is also written by the worker, when a server says that there is no such address");

export const Suppression = z
  .strictObject({
    id: Id,
    email: z.string(),
    reason: SuppressionReason,
    note: z.string(),
    revision: Revision,
    created_at: Instant,
  })
  .meta({ id: "Suppression", description: "An address that gets no email, whoever enrolls it." });
export type Suppression = z.output<typeof Suppression>;

const note = text(2_000);

export const SuppressionInput = z
  .strictObject({
    email: EmailAddress,
    reason: SuppressionReason.default("manual"),
    note: note.default(""),
  })
  .meta({ id: "SuppressionInput", examples: [{ email: "ann@example.com", note: "Asked on the phone" }] });

export const SuppressionPut = z
  .strictObject({ note: note.default("") })
  .meta({ id: "SuppressionPut", examples: [{ note: "By post" }] });

export const SuppressionPatch = z
  .strictObject({ note })
  .meta({ id: "SuppressionPatch", examples: [{ note: "By post" }] });

const addressesMax = 1_000;

export const SuppressionBulkInput = z
  .strictObject({
    emails: z
      .array(EmailAddress)
      .min(1, "names no address")
      .max(addressesMax, `at most ${addressesMax} addresses: send the rest in another request`),
    reason: SuppressionReason.default("manual"),
    note: note.default(""),
  })
  .meta({
    id: "SuppressionBulkInput",
    examples: [{ emails: ["ann@example.com", "bob@example.com"], reason: "complaint", note: "Report of March" }],
  });

export const SuppressionBulkResult = z
  .strictObject({
    created: z.int(),
    already_suppressed: z.int(),
    results: z
      .array(
        z.strictObject({
          email: z.string(),
          status: z.enum(["created", "already_suppressed"]),
          suppression: Id.describe("The entry that holds now"),
        }),
      )
      .describe("In the order of the request"),
  })
  .meta({ id: "SuppressionBulkResult" });

const tag = "suppressions";
const params = z.strictObject({ id: Id });
const effect =
  "Nothing goes out to a suppressed address, in whatever letter case: the last look before the send refuses it, and nobody with it can be enrolled. Whoever is enrolled stays so until their next email is due; then it is skipped, and the enrollment is cancelled with the end reason `address_suppressed`. What is at the mail server this moment still goes out.";

export const listSuppressions = defineOperation({
  id: "listSuppressions",
  method: "GET",
  path: "/api/v1/suppressions/",
  summary: "List suppressed addresses",
  tag,
  auth: "key",
  query: listQuery({
    orderings: ["-created_at"],
    filters: {
      reason: SuppressionReason.optional(),
      email: z.string().max(1_000).optional().describe("Exactly this address, in any letter case"),
      ...instantRange("created_at"),
      search: Search.optional().describe("In address and note"),
    },
  }),
  success: 200,
  output: pageOf(Suppression, "SuppressionPage"),
  errors: [],
});

export const createSuppression = defineOperation({
  id: "createSuppression",
  method: "POST",
  path: "/api/v1/suppressions/",
  summary: "Suppress an address",
  description: effect,
  tag,
  auth: "key",
  body: SuppressionInput,
  success: 201,
  output: Suppression,
  errors: ["already_suppressed"],
});

export const bulkSuppress = defineOperation({
  id: "bulkSuppress",
  method: "POST",
  path: "/api/v1/suppressions/bulk/",
  summary: "Suppress up to 1,000 addresses",
  description: `All in one transaction; an address that is suppressed already keeps its entry as it is. ${effect}`,
  tag,
  auth: "key",
  body: SuppressionBulkInput,
  success: 200,
  output: SuppressionBulkResult,
  errors: [],
});

export const getSuppression = defineOperation({
  id: "getSuppression",
  method: "GET",
  path: "/api/v1/suppressions/{id}/",
  summary: "Get a suppressed address",
  tag,
  auth: "key",
  params,
  success: 200,
  output: Suppression,
  errors: [],
});

const editing = {
  path: "/api/v1/suppressions/{id}/",
  description: "Its address and its reason stay what they are: lift it and make another one for others.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params,
  success: 200,
  output: Suppression,
  errors: [],
} as const;

export const replaceSuppression = defineOperation({
  id: "replaceSuppression",
  method: "PUT",
  summary: "Replace what can be changed about a suppression",
  body: SuppressionPut,
  ...editing,
});

export const updateSuppression = defineOperation({
  id: "updateSuppression",
  method: "PATCH",
  summary: "Change the note of a suppression",
  body: SuppressionPatch,
  ...editing,
});

export const deleteSuppression = defineOperation({
  id: "deleteSuppression",
  method: "DELETE",
  path: "/api/v1/suppressions/{id}/",
  summary: "Let an address get email again",
  description:
    "It can be enrolled again from then on. Enrollments that were cancelled stay so, and a contact who opted out stays opted out. The audit log keeps the address, the reason and who did it.",
  tag,
  auth: "key",
  takesIfMatch: true,
  params,
  success: 204,
  output: z.strictObject({ id: Id, revision: Revision }),
  errors: [],
});
