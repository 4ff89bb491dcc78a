import { type ConfigVariable, configEntries, type Environment, otherVariables } from "./config-variables.ts";

/** A variable that is set as if for us and that nobody reads. */
export interface UnknownVariable {
  readonly name: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Both, for people, without the value. */
  readonly sentence: string;
}

/**
 * What is set and looks like one of ours, but is none: beginning with DRIPLINE_, mistyped, in another letter case, a part
 * of an address that is read as a whole (SMTP_HOST), a file where none is read. Whatever else a host has set is its own.
 */
export function findUnknownVariables(env: Environment): UnknownVariable[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined || value === "" || known.has(name)) return [];
    const remedy = explain(name, value);
    return remedy === undefined ? [] : [{ name, remedy, sentence: `${name} is set, and nothing reads it. ${remedy}` }];
  });
}

/** Tells them at start, one line each. */
export function warnOfUnknownVariables(env: Environment, log: { warn(fields: object, message: string): void }): void {
  for (const { name, sentence } of findUnknownVariables(env)) log.warn({ variable: name }, sentence);
}

const names = configEntries.map(([name]) => name);
const known = new Set<string>([
  ...names,
  ...configEntries.flatMap(([name, { isSecret }]) => (isSecret ? [`${name}_FILE`] : [])),
  ...Object.keys(otherVariables),
  "DRIPLINE_API_KEY", // what programs that use the API call their key, as in our README
]);

/** Kubernetes and Docker links put these into every container that runs beside a service named "redis" or "api". */
const serviceLink = /_SERVICE_(HOST|PORT)(_\w+)?$|_PORT(_\d+_(TCP|UDP)(_\w+)?)?$/;

/** Other programs take the parts of an address one by one. */
const partOfAddress = /^(DATABASE|REDIS|SMTP)_(HOST(NAME)?|PORT|USER(NAME)?|PASS(WORD)?|DB|NAME|TLS|SSL|CA_FILE)$/;
const addressOf = { DATABASE: "DATABASE_URL", REDIS: "REDIS_URL", SMTP: "SMTP_URL" } as const;

function explain(name: string, value: string): string | undefined {
  const upper = name.toUpperCase();
  const [, address] = partOfAddress.exec(upper) ?? [];
  if (address !== undefined) {
    if (serviceLink.test(upper) && value.includes("://")) return undefined;
    return `Write all of the address into ${addressOf[address as keyof typeof addressOf]}.`;
  }
  const withoutFile = names.find((each) => `${each}_FILE` === upper);
  if (withoutFile !== undefined) return `${withoutFile} is not read from a file: set the variable itself.`;
  const near = nearest(upper);
  if (near !== undefined) return `Do you mean ${near}?`;
  return upper.startsWith("DRIPLINE_") ? "docs/configuration.md lists what there is." : undefined;
}

/**
 * First words that are anybody's: APP_PORT and API_KEY are other programs' variables, however near. After these the
 * rest may be mistyped, but not the word itself.
 */
const commonWords = new Set(["API", "LOG", "MAIL", "PUBLIC", "METRICS"]);

/** Two slips in a long name, one in a short one: FTP_URL and SITE_URL are no slips of SMTP_URL. */
const slipsMax = (name: string) => (name.length >= 10 ? 2 : 1);

function nearest(name: string): ConfigVariable | undefined {
  let best: { name: ConfigVariable; slips: number } | undefined;
  for (const ours of names) {
    const [word = ""] = ours.split("_");
    if (commonWords.has(word) && !name.startsWith(`${word}_`)) continue;
    if (Math.abs(name.length - ours.length) > slipsMax(ours)) continue; // most of them, without a closer look
    const slips = slipsBetween(name, ours);
    if (slips > slipsMax(ours)) continue;
    if (best === undefined || slips < best.slips) best = { name: ours, slips };
  }
  return best?.name;
}

/** How many letters must be put in, left out, exchanged or swapped with their neighbour (optimal string alignment). */
function slipsBetween(a: string, b: string): number {
  const row = (i: number) => Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0));
  const rows = Array.from({ length: a.length + 1 }, (_, i) => row(i));
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      const exchanged = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      (rows[i] as number[])[j] = Math.min(exchanged, swapped, at(i - 1, j) + 1, at(i, j - 1) + 1);
    }
  }
  return at(a.length, b.length);
}
