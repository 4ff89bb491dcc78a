import type { WorkerSeams } from "@dripline/worker/start-worker";
import { changeStatements, type Sabotage } from "../controls/change-statements.ts";

/** What can be taken away from every worker of a scene, to see that the table notices. */
const protections = {
  /** The mark before the first body byte is answered with "done", and not made. */
  mark: ({ name, values }) => {
    if (name !== "mark-data") return undefined;
    const [executionIds] = values as [string[]];
    return { rows: executionIds.map((id) => ({ id })) };
  },
  /** No statement compares generations. */
  generation: ({ text }) => {
    const blind = text.replaceAll(/\b(e\.generation = \w+\.generation|\w+\.generation = e\.generation)\b/g, "true");
    return blind === text ? undefined : { text: blind };
  },
  /** A lease that ran out is never found. */
  rescue: ({ name }) => (name === "find-expired-leases" ? { rows: [] } : undefined),
  /** What is in doubt is taken for not sent. */
  doubt: ({ name, text }) => {
    if (name === "find-expired-leases")
      return { text: text.replace("select id, generation, phase", "select id, generation, 'claimed' as phase") };
    return name === "release-claimed" ? { text: text.replace("and e.phase = 'claimed'", "") } : undefined;
  },
  /** A due row that nobody woke is never found. */
  unwoken: ({ name }) => (name === "find-unwoken" || name === "find-overdue" ? { rows: [] } : undefined),
} as const satisfies Record<string, Sabotage>;

export type Protection = keyof typeof protections;

export function withoutProtection(name: string | undefined): Pick<WorkerSeams, "database"> {
  if (name === undefined) return {};
  const sabotage: Sabotage | undefined = protections[name as Protection];
  if (sabotage === undefined) throw new Error(`there is no protection "${name}"`);
  return { database: (pool) => changeStatements(pool, sabotage) };
}
