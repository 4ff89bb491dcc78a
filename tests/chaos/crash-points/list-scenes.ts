import { InDoubtPolicy } from "@dripline/domain/statuses";
import { type CrashPoint, dependsOnPolicy } from "./crash-point.ts";
import { crashPoints } from "./crash-points.ts";

export interface Scene {
  readonly name: string;
  readonly point: CrashPoint;
  readonly policy: InDoubtPolicy;
  readonly backend: "redis" | "postgres";
}

/** The queue's part is the same whatever the policy: one point before the claim, one under each lease, one after the record. */
const alsoOnPostgres = new Set(["woken", "claimed", "replied: 250", "recorded: 250"]);

/** Every point, under every policy where that makes a difference. */
export function listScenes(): readonly Scene[] {
  return crashPoints.flatMap((point) => {
    const scene = (policy: InDoubtPolicy, backend: Scene["backend"] = "redis"): Scene => {
      const under = dependsOnPolicy(point) ? `, ${policy}` : "";
      return {
        name: `${point.name}${under}${backend === "redis" ? "" : " (PostgreSQL backend)"}`,
        point,
        policy,
        backend,
      };
    };
    return [
      ...(dependsOnPolicy(point) ? InDoubtPolicy.options : InDoubtPolicy.options.slice(0, 1)).map((policy) =>
        scene(policy),
      ),
      ...(alsoOnPostgres.has(point.name) ? [scene("advance", "postgres")] : []),
    ];
  });
}

/** Here the policy is all that makes the difference, so each is tried wherever scenes are played. */
const underEveryPolicy = new Set(["body left", "recorded: connection lost"]);

/** Every point once, the policies taking turns: what a test run has time for. */
export function listSample(): readonly Scene[] {
  const policies = InDoubtPolicy.options;
  return listScenes().filter(
    ({ point, policy }) =>
      !dependsOnPolicy(point) ||
      underEveryPolicy.has(point.name) ||
      policies[crashPoints.indexOf(point) % policies.length] === policy,
  );
}
