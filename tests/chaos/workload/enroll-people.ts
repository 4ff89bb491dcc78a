import { setTimeout as wait } from "node:timers/promises";
import type { EnrollRequest } from "../history/history.ts";
import type { Answer, ApiClient } from "./api-client.ts";
import type { MadeSequence } from "./make-content.ts";
import type { Person, SequenceName } from "./plan-people.ts";

/**
 * Enrolls everybody over `milliseconds`, each at their time, and goes on through faults as an integrator should: the same
 * Idempotency-Key until there is a definite answer. Resolves when everybody is answered.
 */
export async function enrollPeople(
  api: ApiClient,
  people: readonly Person[],
  sequences: Readonly<Record<SequenceName, MadeSequence>>,
  milliseconds: number,
  onRequest: (request: EnrollRequest) => void,
): Promise<void> {
  await Promise.all(
    people.map(async (person) => {
      await wait(person.atShare * milliseconds);
      const enroll = () => enrollOnce(api, person, sequences[person.sequence].sequenceId, onRequest);
      await Promise.all(Array.from({ length: person.requestsAtOnce }, enroll));
      if (person.repeatMilliseconds === null) return;
      await wait(person.repeatMilliseconds);
      await enroll();
    }),
  );
}

async function enrollOnce(
  api: ApiClient,
  person: Person,
  sequenceId: string,
  onRequest: (request: EnrollRequest) => void,
): Promise<void> {
  const body = {
    sequence_id: sequenceId,
    contact: { email: person.recipient, first_name: `Person ${person.index}` },
  };
  const record = ({ sentAt, answeredAt, status, body: answer, isReplay }: Answer) =>
    onRequest({
      key: person.key,
      sequenceId,
      recipient: person.recipient,
      sentAt,
      answeredAt,
      status,
      code: typeof answer.code === "string" ? answer.code : null,
      enrollmentId: status === 201 ? String(answer.id) : null,
      isReplay,
    });
  const path = "/api/v1/sequence-enrollments/enroll/";
  await api.insist("POST", path, body, { "idempotency-key": person.key }, record);
}
