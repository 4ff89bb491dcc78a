// Loaded before a worker with --import: its wall clock is right until the worker says that it is ready (it refuses to start
// with a wrong one), then so many hours ahead, then behind, and so on, in turns of some seconds. `performance.now()` stays as
// it is, as when somebody sets a machine's clock.

const hours = Number(new URL(import.meta.url).searchParams.get("hours") ?? 0);
const turnMilliseconds = 7_000;
const RealDate = Date;

let readyAt = Number.POSITIVE_INFINITY;

const send = process.send?.bind(process);
if (send !== undefined) {
  process.send = (message: { type?: unknown }, ...rest: never[]) => {
    if (message.type === "ready") readyAt = performance.now();
    return send(message, ...rest);
  };
}

function shift(): number {
  if (readyAt === Number.POSITIVE_INFINITY) return 0;
  const turn = Math.floor((performance.now() - readyAt) / turnMilliseconds);
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
