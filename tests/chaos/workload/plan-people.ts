import { randomStream } from "../random.ts";

/** Which of the run's sequences: one that is always open, one with closed minutes, one whose windows are edited as well. */
export type SequenceName = "open" | "windowed" | "edited";

/** One enrollment to ask for, and what its contact does later. */
export interface Person {
  readonly index: number;
  readonly recipient: string;
  readonly sequence: SequenceName;
  /** When, as a share of the time in which people are enrolled. */
  readonly atShare: number;
  readonly key: string;
  /** How many requests with the same key are sent at once. */
  readonly requestsAtOnce: number;
  /** The same request is sent once more, so long after it was answered; null: never. */
  readonly repeatMilliseconds: number | null;
  /** Follows the unsubscribe link once so many of the emails have arrived; null: never. */
  readonly unsubscribesAfter: number | null;
}

const windowedShare = 0.3;
const badShare = 0.02;
const unsubscribeShare = 0.01;
const togetherShare = 0.1;
const repeatShare = 0.1;

/** Everybody of the run with this seed. */
export function planPeople(seed: number, count: number): Person[] {
  const random = randomStream(seed, "people");
  return Array.from({ length: count }, (_, index) => {
    const isBad = random.chance(badShare);
    const isWindowed = random.chance(windowedShare);
    const sequence: SequenceName = isWindowed ? random.pick<SequenceName>(["windowed", "edited"]) : "open";
    const isTogether = random.chance(togetherShare);
    const isRepeated = random.chance(repeatShare);
    const unsubscribes = random.chance(unsubscribeShare);
    return {
      index,
      recipient: `${isBad ? "bad-" : "p"}${index}@chaos.test`,
      sequence,
      atShare: random.fraction(),
      key: `enroll-${seed}-${index}`,
      requestsAtOnce: isTogether ? random.whole(2, 5) : 1,
      repeatMilliseconds: isRepeated ? random.whole(100, 20_000) : null,
      unsubscribesAfter: unsubscribes ? random.whole(1, 3) : null,
    };
  });
}
