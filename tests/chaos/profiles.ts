import { issueFaults, noFaults, type SinkFaults } from "./sink/decide-fault.ts";

/** How many of each fault strike in a run. */
export interface FaultCounts {
  /** `kill -9` of a worker, now and then of the API. */
  readonly kill: number;
  /** SIGSTOP for longer than a claim's lease, then SIGCONT. */
  readonly freeze: number;
  readonly flush: number;
  readonly redis_kill: number;
  /** Immediate shutdown of PostgreSQL. */
  readonly postgres_restart: number;
  /** On each proxy. */
  readonly black_hole: number;
  /** Some resets of all connections in a row, each on one proxy. */
  readonly reset_storm: number;
  readonly delay: number;
  readonly cut: number;
  /** SIGTERM of a worker, and another one in its place. */
  readonly roll: number;
  readonly sink_kill: number;
}

/** What a run consists of. */
export interface Profile {
  readonly backend: "redis" | "postgres";
  readonly enrollments: number;
  readonly enrollSeconds: number;
  /** The time in which the faults strike. */
  readonly faultSeconds: number;
  readonly workers: number;
  readonly faults: FaultCounts;
  readonly freezeSeconds: readonly [number, number];
  readonly blackHoleSeconds: number;
  readonly sinkFaults: SinkFaults;
  /** How the sequences with windows are closed. */
  readonly windows: "every_other_minute" | "one_minute" | "across_gap";
  /** How far the clock of one worker jumps, again and again; 0 for not at all. */
  readonly clockJumpHours: number;
  /** Makes everything that passes the way to the mail server later, all the time: widens what happens before the body. */
  readonly smtpDelayMilliseconds: number;
}

const noStrikes: FaultCounts = {
  kill: 0,
  freeze: 0,
  flush: 0,
  redis_kill: 0,
  postgres_restart: 0,
  black_hole: 0,
  reset_storm: 0,
  delay: 0,
  cut: 0,
  roll: 0,
  sink_kill: 0,
};

const full: Profile = {
  backend: "redis",
  enrollments: 2_000,
  enrollSeconds: 260,
  // A worker takes a second of a core until its first email is out, and there are two cores: more kills in less time would
  // hit nothing but workers that start, and leave a backlog that takes longer than a minute.
  faultSeconds: 300,
  workers: 3,
  faults: {
    ...noStrikes,
    kill: 200,
    freeze: 15,
    flush: 8,
    redis_kill: 3,
    postgres_restart: 2,
    black_hole: 1,
    reset_storm: 6,
    delay: 6,
    cut: 6,
  },
  freezeSeconds: [5, 9],
  blackHoleSeconds: 10,
  sinkFaults: issueFaults,
  windows: "every_other_minute",
  clockJumpHours: 0,
  smtpDelayMilliseconds: 0,
};

const quick: Profile = {
  ...full,
  enrollments: 240,
  enrollSeconds: 40,
  faultSeconds: 50,
  faults: {
    ...noStrikes,
    kill: 40,
    freeze: 4,
    flush: 2,
    redis_kill: 1,
    postgres_restart: 1,
    black_hole: 1,
    reset_storm: 2,
    delay: 1,
    cut: 2,
  },
  freezeSeconds: [5, 8],
  blackHoleSeconds: 5,
  windows: "one_minute",
};

export const profiles = {
  full,
  quick,
  /** The queue in PostgreSQL, as a small installation has it: one worker, and the one server is what fails. */
  postgres: {
    ...full,
    backend: "postgres",
    enrollments: 300,
    enrollSeconds: 90,
    faultSeconds: 120,
    workers: 1,
    faults: { ...noStrikes, kill: 40, freeze: 5, postgres_restart: 7, black_hole: 1, reset_storm: 4, delay: 2, cut: 3 },
  },
  /** One worker's clock is two hours ahead or behind, and changes its mind; and daylight saving time begins. */
  clock: {
    ...quick,
    enrollments: 500,
    enrollSeconds: 90,
    // The change is on a whole minute, 25 s to 95 s after the beginning, and the minute after it is closed.
    faultSeconds: 120,
    windows: "across_gap",
    faults: { ...noStrikes, kill: 10, flush: 1, reset_storm: 1 },
    clockJumpHours: 2,
  },
  /** Planned restarts under load, by a mail server that behaves: nobody's email comes into doubt. */
  deploy: {
    ...quick,
    // People are enrolled for longer than the restarts are meant to take: where processes start slowly, they take longer.
    enrollments: 500,
    enrollSeconds: 90,
    faultSeconds: 70,
    faults: { ...noStrikes, roll: 20 },
    sinkFaults: noFaults,
  },
  /** The mail server itself dies and comes back. */
  "sink-restart": { ...quick, faults: { ...quick.faults, kill: 20, sink_kill: 6 } },
  /** Short, with the faults that the negative controls cannot stand. */
  control: {
    ...quick,
    enrollments: 300,
    faults: { ...noStrikes, kill: 40, freeze: 6, reset_storm: 2, cut: 4 },
  },
  /** As `control`, for a worker that does not look at generations: it has to wake up while somebody else holds its email. */
  zombies: {
    ...quick,
    enrollments: 80,
    faults: { ...noStrikes, kill: 6, freeze: 14, reset_storm: 2 },
    freezeSeconds: [7, 12],
    smtpDelayMilliseconds: 0,
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;
