import type { Invariant } from "./invariant.ts";

/** Every attempt of an email has the same bytes: a receiver that has seen one copy recognises the other. */
export const sameBytes: Invariant = {
  name: "same bytes",
  violations({ sink }) {
    const hashes = new Map<string, Set<string>>();
    for (const { messageId, sha256 } of sink) {
      if (messageId === null || sha256 === null) continue;
      hashes.set(messageId, (hashes.get(messageId) ?? new Set()).add(sha256));
    }
    return [...hashes].flatMap(([messageId, different]) =>
      different.size === 1 ? [] : [`${messageId} came with ${different.size} different contents`],
    );
  },
};
