const minute = 60_000;
const closedSecondsMax = 60;

/** When a sequence's windows are open, as instants; what is outside is closed. */
export type Openings = readonly (readonly [number, number])[];

/**
 * Windows have minutes for edges, and a run lasts a few of them: so the sequences with windows are closed in one minute of
 * two until `quietAt`, and open from then on, so that nobody has to wait when the faults are over. `parity` says in which.
 * Before `from` and after a day they are closed; nothing of the run is there.
 */
export function alternatingOpenings(from: number, quietAt: number, parity: 0 | 1): Openings {
  const openings: [number, number][] = [];
  const first = Math.floor(from / minute);
  const lastClosed = Math.ceil(quietAt / minute);
  for (let at = first; at < lastClosed; at += 1) {
    if (at % 2 === parity) openings.push([at * minute, (at + 1) * minute]);
  }
  openings.push([lastClosed * minute, lastClosed * minute + 6 * 3_600_000]);
  return openings;
}

/** Closed for one minute only: the present one if enough of it is left, else the next. For runs of about a minute. */
export function oneClosedMinute(now: number, secondsLeftMin: number): Openings {
  const left = closedSecondsMax - (now % minute) / 1_000;
  const closed = Math.floor(now / minute) + (left >= secondsLeftMin ? 0 : 1);
  const first = Math.floor(now / minute) - 1;
  return [
    [first * minute, closed * minute],
    [(closed + 1) * minute, (closed + 1) * minute + 6 * 3_600_000],
  ];
}

/** The same as the API takes them: weekly windows in UTC. Windows that reach past midnight are overnight ones. */
export function asWeeklyWindows(openings: Openings): { weekday: number; start: string; end: string }[] {
  return openings.map(([start, end]) => ({
    weekday: new Date(start).getUTCDay() || 7,
    start: new Date(start).toISOString().slice(11, 16),
    end: new Date(end).toISOString().slice(11, 16),
  }));
}
