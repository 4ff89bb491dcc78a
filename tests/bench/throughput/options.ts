import { parseArgs } from "node:util";
import { type MailSinkKind, mailSinkKinds } from "./mail-sink.ts";
import { fullSizes, quickSizes, type Sizes } from "./sizes.ts";

/** What can be measured alone or left out; the ceilings are measured with what is compared with them. */
export const parts = [
  "drain-redis-1",
  "drain-redis-2",
  "drain-postgres-1",
  "enroll-redis",
  "enroll-postgres",
  "punctuality",
  "waiting-redis",
  "waiting-postgres",
  "growth",
] as const;
type Part = (typeof parts)[number];

export interface BenchOptions {
  readonly isQuick: boolean;
  readonly sizes: Sizes;
  readonly parts: ReadonlySet<Part>;
  /** undefined: the best one that is installed. */
  readonly sink: MailSinkKind | undefined;
  /** Where the results go; undefined: a place of its own. */
  readonly jsonPath: string | undefined;
  /** Whether the table goes into docs/performance.md. */
  readonly isDocumented: boolean;
  /** Each worker leaves a CPU profile there. */
  readonly profileDirectory: string | undefined;
}

const usage = `npm run bench -- [--quick] [--runs N] [--emails N] [--waiting N] [--only PART]… [--skip PART]…
                 [--json FILE] [--document] [--sink ${mailSinkKinds.join("|")}] [--cpu-profiles DIRECTORY]

--quick      every part but growth at small numbers, in a minute: shows that it works, its numbers say nothing
--runs       how often each is measured (${fullSizes.runs}; growth: ${fullSizes.growth.rounds})
--emails     of one drain (${fullSizes.emails})
--waiting    enrollments of the larger installation of growth (${fullSizes.growth.many})
--only PART  and --skip PART, as often as you like; "drain" is every drain. Parts:
             ${parts.slice(0, 5).join(", ")},
             ${parts.slice(5).join(", ")}
--document   writes the table into docs/performance.md

BENCH_DATABASE_URL and BENCH_REDIS_URL measure given services instead of embedded ones: a PostgreSQL on which databases can
be made, and a Redis of which the databases 0 to 3 are emptied.`;

/** @returns a sentence and the usage if the arguments cannot be used, or only the usage if that was asked for */
export function readOptions(
  args: readonly string[],
): BenchOptions | { readonly problem: string } | { readonly help: string } {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    return problem((error as Error).message);
  }
  if (values.help) return { help: usage };
  const base = values.quick ? quickSizes : fullSizes;
  const runs = Number(values.runs ?? base.runs);
  const emails = Number(values.emails ?? base.emails);
  const waiting = Number(values.waiting ?? base.growth.many);
  for (const [name, value] of Object.entries({ runs, emails, waiting })) {
    if (!Number.isSafeInteger(value) || value < 1) return problem(`--${name} is a whole number from 1`);
  }
  const unknown = [...values.only, ...values.skip].find((name) => !parts.some((part) => isPartOf(part, name)));
  if (unknown !== undefined) return problem(`there is no part "${unknown}"`);
  const sink = mailSinkKinds.find((kind) => kind === values.sink);
  if (values.sink !== undefined && sink === undefined) return problem(`there is no sink "${values.sink}"`);
  if (values.quick && values.document) return problem("the numbers of --quick are not for --document");
  const isWanted = (part: Part) =>
    values.only.length > 0 ? values.only.some((name) => isPartOf(part, name)) : !values.quick || part !== "growth";
  const isLeftOut = (part: Part) => values.skip.some((name) => isPartOf(part, name));
  return {
    isQuick: values.quick,
    sizes: {
      ...base,
      runs,
      emails,
      growth: {
        ...base.growth,
        emails: values.emails === undefined ? base.growth.emails : emails,
        many: waiting,
        rounds: values.runs === undefined ? base.growth.rounds : runs,
      },
    },
    parts: new Set(parts.filter((part) => isWanted(part) && !isLeftOut(part))),
    sink,
    jsonPath: values.json,
    isDocumented: values.document,
    profileDirectory: values["cpu-profiles"],
  };
}

/** "drain" names "drain-redis-1" and its like. */
function isPartOf(part: Part, name: string): boolean {
  return part === name || part.startsWith(`${name}-`);
}

function problem(what: string): { readonly problem: string } {
  return { problem: `${what}\n\n${usage}` };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      runs: { type: "string" },
      emails: { type: "string" },
      waiting: { type: "string" },
      only: { type: "string", multiple: true, default: [] },
      skip: { type: "string", multiple: true, default: [] },
      json: { type: "string" },
      document: { type: "boolean", default: false },
      sink: { type: "string" },
      "cpu-profiles": { type: "string" },
    },
  }).values;
}
