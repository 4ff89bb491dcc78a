import type { FaultCounts, Profile } from "../profiles.ts";
import { type RandomStream, randomStream } from "../random.ts";

type ProxyName = "postgres" | "redis" | "smtp";

/** One fault to come, with everything about it that was drawn. */
export type PlannedFault =
  /** `order`: which worker first; the first that runs is hit. */
  | { readonly kind: "kill"; readonly isApi: boolean; readonly order: readonly number[] }
  | { readonly kind: "freeze"; readonly order: readonly number[]; readonly milliseconds: number }
  | { readonly kind: "roll"; readonly order: readonly number[] }
  | { readonly kind: "flush" | "postgres_restart" }
  | { readonly kind: "redis_kill" | "sink_kill"; readonly downMilliseconds: number }
  | { readonly kind: "black_hole"; readonly proxy: ProxyName; readonly milliseconds: number }
  | { readonly kind: "reset_storm"; readonly proxy: ProxyName; readonly pauses: readonly number[] }
  | {
      readonly kind: "delay";
      readonly proxy: ProxyName;
      readonly milliseconds: number;
      readonly forMilliseconds: number;
    }
  | { readonly kind: "cut"; readonly proxy: ProxyName; readonly bytes: number };

/** Faults of one lane follow each other; lanes run side by side. */
export interface Lane {
  readonly name: string;
  /** `pauseShare`: how long to wait before it, as a share of all pauses of its lane. */
  readonly faults: readonly { readonly fault: PlannedFault; readonly pauseShare: number }[];
}

const apiKillShare = 0.04;

/**
 * The faults of the run with this seed: kills in one lane, frozen workers in another, and what befalls servers and
 * network in a third, because two of those at once would hide each other.
 */
export function planFaults(seed: number, profile: Profile): Lane[] {
  const random = randomStream(seed, "faults");
  const make = (kind: keyof FaultCounts, draw: () => PlannedFault) =>
    Array.from({ length: profile.faults[kind] }, () => draw());
  const order = () => random.shuffled(Array.from({ length: profile.workers }, (_, i) => i));
  const proxies: readonly [ProxyName, ...ProxyName[]] =
    profile.backend === "redis" ? ["postgres", "redis", "smtp"] : ["postgres", "smtp"];
  const [freezeMin, freezeMax] = profile.freezeSeconds;

  const kills = make("kill", () => ({ kind: "kill", isApi: random.chance(apiKillShare), order: order() }));
  const freezes = make("freeze", () => ({
    kind: "freeze",
    order: order(),
    milliseconds: random.whole(freezeMin * 1_000, freezeMax * 1_000),
  }));
  const rolls = make("roll", () => ({ kind: "roll", order: order() }));
  const servers = random.shuffled<PlannedFault>([
    ...make("flush", () => ({ kind: "flush" })),
    ...make("redis_kill", () => ({ kind: "redis_kill", downMilliseconds: random.whole(200, 2_000) })),
    ...make("postgres_restart", () => ({ kind: "postgres_restart" })),
    ...make("sink_kill", () => ({ kind: "sink_kill", downMilliseconds: random.whole(100, 2_000) })),
    ...proxies.flatMap((proxy) =>
      make("black_hole", () => ({ kind: "black_hole", proxy, milliseconds: profile.blackHoleSeconds * 1_000 })),
    ),
    ...make("reset_storm", () => ({ kind: "reset_storm", proxy: random.pick(proxies), pauses: storm(random) })),
    ...make("delay", () => ({
      kind: "delay",
      proxy: random.pick(proxies),
      milliseconds: random.whole(20, 400),
      forMilliseconds: random.whole(1_000, 4_000),
    })),
    ...make("cut", () => ({ kind: "cut", proxy: random.pick(proxies), bytes: random.whole(1, 3_000) })),
  ]);
  return [
    lane("kills", kills, random),
    lane("freezes", freezes, random),
    lane("rolls", rolls, random),
    lane("servers", servers, random),
  ].filter(({ faults }) => faults.length > 0);
}

function storm(random: RandomStream): number[] {
  return Array.from({ length: random.whole(3, 8) }, () => random.whole(20, 300));
}

function lane(name: string, faults: readonly PlannedFault[], random: RandomStream): Lane {
  // At least half the average, so that no two faults of a lane fall together.
  const weights = faults.map(() => 0.5 + random.fraction());
  const sum = weights.reduce((a, b) => a + b, 0);
  return { name, faults: faults.map((fault, i) => ({ fault, pauseShare: (weights[i] ?? 0) / sum })) };
}

/** How often each kind is to strike: the run has to reach it. */
export function countPlanned(lanes: readonly Lane[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { fault } of lanes.flatMap(({ faults }) => faults)) counts[fault.kind] = (counts[fault.kind] ?? 0) + 1;
  return counts;
}

/** How long a fault itself lasts; what is left of a lane's time is its pauses. */
export function fullMilliseconds(fault: PlannedFault): number {
  switch (fault.kind) {
    case "freeze":
    case "black_hole":
      return fault.milliseconds;
    case "delay":
      return fault.forMilliseconds;
    case "redis_kill":
    case "sink_kill":
      return fault.downMilliseconds + 300;
    case "postgres_restart":
      return 2_000;
    case "reset_storm":
      return fault.pauses.reduce((a, b) => a + b, 0);
    case "roll":
      return 1_500;
    default:
      return 0;
  }
}
