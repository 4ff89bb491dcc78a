/** A statement of a migration that breaks a rule of docs/upgrading.md, and which. */
export interface BrokenRule {
  readonly statement: string;
  readonly rule: string;
}

/** Tables that have a row for every person, email or request: what reads or locks all of one is felt. */
const bigTables = [
  "audit_log",
  "company",
  "contact",
  "contact_import_chunk",
  "contact_import_failure",
  "email_log",
  "execution_event",
  "idempotency_key",
  "sequence_enrollment",
  "step_execution",
  "suppression",
];

/** A statement that says so, and why, breaks no rule: `-- safe: …` in the lines before it. */
const annotation = /^--\s*safe:\s*\S/m;

/**
 * What in a migration would break the processes of the version before, or keep them waiting. By the look of the statements:
 * it reads no SQL, it reminds.
 */
export function findBrokenRules(sql: string): BrokenRule[] {
  const statements = sql.split("--> statement-breakpoint").map((statement) => statement.trim());
  const made = new Set(statements.flatMap((each) => /^create table "?(\w+)/i.exec(withoutComments(each))?.[1] ?? []));
  return statements.flatMap((statement) => {
    if (annotation.test(statement)) return [];
    const text = withoutComments(statement);
    return rulesBrokenBy(text, made).map((rule) => ({ statement: text, rule }));
  });
}

function rulesBrokenBy(text: string, made: ReadonlySet<string>): string[] {
  const isBig = (table: string | undefined) => table !== undefined && bigTables.includes(table) && !made.has(table);
  const altered = /^alter table (?:only )?(?:"public"\.)?"?(\w+)/i.exec(text)?.[1];
  const broken: [boolean, string][] = [
    [/\bdrop (table|column|schema|type|view)\b|^truncate\b/i.test(text), "drops what the version before still uses"],
    [/\brename\b/i.test(text), "renames what the version before knows by its old name"],
    [
      /\b(set data )?type\b.*\busing\b|\balter column \S+ (set data )?type\b/i.test(text),
      "changes a type, which rewrites the table",
    ],
    [/\bset not null\b/i.test(text), "demands what the version before does not write"],
    [
      /\badd column\b/i.test(text) && /\bnot null\b/i.test(text) && !/\bdefault\b/i.test(text),
      "demands a column that the version before does not write",
    ],
    [
      /\badd column\b.*\bdefault\s+(gen_random_uuid|clock_timestamp|random|nextval|uuidv7)\b/i.test(text),
      "has a default that differs from row to row, which rewrites the table",
    ],
    [
      isBig(altered) && /\badd constraint\b/i.test(text) && !/\bnot valid\b/i.test(text),
      "checks every row of a big table under a lock: add it NOT VALID, validate it in a statement of its own",
    ],
    [/^drop index\b/i.test(text), "takes an index away that the version before may need"],
    [
      isBig(/^create (?:unique )?index .*? on (?:"public"\.)?"?(\w+)/i.exec(text)?.[1]),
      "builds an index of a big table, during which nobody can write to it",
    ],
    [
      isBig(/^update (?:"public"\.)?"?(\w+)/i.exec(text)?.[1]),
      "rewrites the rows of a big table, and holds their locks until the end",
    ],
    [
      isBig(/^delete from (?:"public"\.)?"?(\w+)/i.exec(text)?.[1]),
      "deletes from a big table, and holds the locks until the end",
    ],
    [
      altered === "adoption" || /^(update|delete from) "?adoption/i.test(text),
      "touches the row that says which place this is: every database would be fenced",
    ],
  ];
  return broken.flatMap(([isBroken, rule]) => (isBroken ? [rule] : []));
}

function withoutComments(statement: string): string {
  return statement
    .replaceAll(/^\s*--.*$/gm, "")
    .trim()
    .replaceAll(/\s+/g, " ");
}
