import { z } from "zod";
import { Id, text } from "./fields.ts";
import { defineOperation } from "./operation.ts";
import { SequenceExecutionDetail } from "./sequence-executions.ts";

export const SettleExecutionInput = z
  .strictObject({
    as: z
      .enum(["sent", "resend"])
      .describe(
        "`sent`: it arrived. It becomes `sent` as of the moment it was handed over, and an enrollment that waited for it goes on from there. `resend`: it did not arrive, or a second copy does no harm. The same message, with the same Message-ID, is due now",
      ),
    note: text(2_000).default("").describe("How it was found out, for the execution's events"),
  })
  .meta({
    id: "SettleExecutionInput",
    examples: [{ as: "sent", note: "The mail server's log says 250 for this Message-ID" }],
  });

export const settleExecution = defineOperation({
  id: "settleExecution",
  method: "POST",
  path: "/api/v1/sequence-executions/{id}/settle/",
  summary: "Settle an email that is in doubt",
  description:
    "Of an execution that is `in_doubt` nobody recorded whether it arrived. This tells, or decides. An enrollment that went on before stays where it is. What is sent again passes every check again: windows, limits, consent. It is refused with `enrollment_not_live` if the enrollment was cancelled, unsubscribed, or completed while it waited for this email.",
  tag: "sequence-executions",
  auth: "key",
  params: z.strictObject({ id: Id }),
  body: SettleExecutionInput,
  success: 200,
  output: SequenceExecutionDetail,
  errors: ["execution_not_in_doubt", "enrollment_not_live", "sequence_changed"],
});
