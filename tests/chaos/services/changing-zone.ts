// Loaded before a process with --import: the offset of one zone changes at a moment that the run chose, as at the beginning of
// daylight saving time. No real zone changes in just the minutes of a run. Only what Intl says of that zone is different, so
// everything above it (the library that asks, what is kept of its answers, windows, plans) does its real work.

import type { ZoneChange } from "../workload/zone-change.ts";

const { zone, at, minutesBefore, minutesAfter }: ZoneChange = JSON.parse(
  new URL(import.meta.url).searchParams.get("change") ?? "",
);
const minuteMilliseconds = 60_000;
const RealFormat = Intl.DateTimeFormat;

function shifted(asked: Date | number | undefined): number {
  const instant = Number(asked ?? Date.now());
  return instant + (instant < at ? minutesBefore : minutesAfter) * minuteMilliseconds;
}

class ChangingFormat extends RealFormat {
  readonly #isChanging: boolean;

  constructor(locales?: string | string[], options?: Intl.DateTimeFormatOptions) {
    const isChanging = options?.timeZone === zone;
    super(locales, isChanging ? { ...options, timeZone: "UTC" } : options);
    this.#isChanging = isChanging;
  }

  override formatToParts(date?: Date | number): Intl.DateTimeFormatPart[] {
    return super.formatToParts(this.#isChanging ? shifted(date) : date);
  }

  override format = (date?: Date | number): string => super.format(this.#isChanging ? shifted(date) : date);
}

// It is called without `new` by nobody here, which is all that this type has and a class has not.
Intl.DateTimeFormat = ChangingFormat as unknown as typeof Intl.DateTimeFormat;
