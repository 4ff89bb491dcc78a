// Loaded before a worker with --import: its wall clock is right for a second, then so many hours ahead, then behind, and
// so on, in turns of some seconds. `performance.now()` stays as it is, as when somebody sets a machine's clock.

const hours = Number(new URL(import.meta.url).searchParams.get("hours") ?? 0);
const turnMilliseconds = 7_000;
const RealDate = Date;

function shift(): number {
  const turn = Math.floor((performance.now() - 1_000) / turnMilliseconds);
  if (turn < 0) return 0;
  return (turn % 2 === 0 ? 1 : -1) * hours * 3_600_000;
}

class JumpingDate extends RealDate {
  constructor(...given: unknown[]) {
    super(...((given.length === 0 ? [RealDate.now() + shift()] : given) as [number]));
  }

  static override now(): number {
    return RealDate.now() + shift();
  }
}

globalThis.Date = JumpingDate as DateConstructor;
