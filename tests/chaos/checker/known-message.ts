import { isAccepted } from "../sink/sink-entry.ts";
import type { Invariant } from "./invariant.ts";

/** Every message at the sink is that of an execution, and went to that execution's contact. */
export const knownMessage: Invariant = {
  name: "known message",
  violations({ sink, executions, enrollments }) {
    const recipients = new Map(enrollments.map(({ id, recipient }) => [id, recipient]));
    const owners = new Map(executions.map(({ messageId, enrollmentId }) => [messageId, recipients.get(enrollmentId)]));
    return sink.filter(isAccepted).flatMap(({ messageId, recipient }) => {
      const owner = messageId === null ? undefined : owners.get(messageId);
      if (owner === undefined) return [`${messageId}, which arrived for ${recipient}, is no execution's`];
      return owner === recipient ? [] : [`${messageId} of ${owner} arrived for ${recipient}`];
    });
  },
};
