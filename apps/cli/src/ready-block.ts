export interface ReadyFacts {
  readonly apiUrl: string;
  /** Undefined when mail goes to a server of one's own. */
  readonly inboxUrl: string | undefined;
  /** Where mail goes, without a password. */
  readonly smtp: string;
  readonly queuesUrl: string;
  readonly queueBackend: "Redis" | "PostgreSQL";
  readonly databaseUrl: string;
  /** Undefined when the database is not ours. */
  readonly dataDirectory: string | undefined;
  readonly apiKey: string;
  readonly apiKeyFile: string;
  readonly sequenceId: string;
  readonly dayLength: string | undefined;
  readonly isFirstStart: boolean;
  readonly seconds: number;
}

/** What `up` prints once everything runs. */
export function readyBlock(facts: ReadyFacts): string {
  const { inboxUrl, dayLength } = facts;
  const rows: [label: string, value: string, remark: string][] = [
    ["API", `${facts.apiUrl}/api/v1/`, ""],
    ["API docs", `${facts.apiUrl}/docs`, "OpenAPI: /openapi.json"],
    inboxUrl === undefined ? ["Mail goes to", facts.smtp, ""] : ["Inbox", inboxUrl, `takes all mail, ${facts.smtp}`],
    ["Queues", facts.queuesUrl, `Bull Board; the link signs you in; queue in ${facts.queueBackend}`],
    ["Database", facts.databaseUrl, facts.dataDirectory === undefined ? "" : `kept in ${facts.dataDirectory}`],
    ["API key", facts.apiKey, `kept in ${facts.apiKeyFile}`],
  ];
  return [
    "",
    inboxUrl === undefined
      ? "  Dripline is running. EMAIL LEAVES THIS MACHINE, through the SMTP server below."
      : "  Dripline is running. Everything stays on this machine: no email leaves it.",
    ...(dayLength === undefined ? [] : ["", ...compressedTimeBox(dayLength)]),
    "",
    ...rows.map(([label, value, remark]) => `  ${label.padEnd(13)}${value}${remark === "" ? "" : `   (${remark})`}`),
    "",
    "  Enroll somebody (paste it as often as you like; the email arrives in a second or two):",
    "",
    enrollCommand(facts.apiUrl, facts.apiKey, facts.sequenceId),
    "",
    ...(facts.isFirstStart && inboxUrl !== undefined
      ? ["  The sample sequence has its first contact already: look into the inbox.", ""]
      : []),
    `  Ready in ${facts.seconds.toFixed(1)} s. Ctrl-C stops everything; starting again continues.`,
    "",
  ].join("\n");
}

function compressedTimeBox(dayLength: string): string[] {
  const text = `COMPRESSED TIME: a day of delay lasts ${dayLength}. For trying things out only.`;
  const line = "═".repeat(text.length + 2);
  return [`  ╔${line}╗`, `  ║ ${text} ║`, `  ╚${line}╝`];
}

/**
 * A command for sh, bash and zsh that enrolls a contact nobody has enrolled before, each time it is pasted: the date
 * differs by the second, and where the shell has RANDOM, twice in one second works as well.
 */
export function enrollCommand(apiUrl: string, apiKey: string, sequenceId: string): string {
  return [
    `curl -X POST ${apiUrl}/api/v1/sequence-enrollments/enroll/ \\`,
    `  -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' \\`,
    `  -d '{"sequence_id":"${sequenceId}","contact":{"email":"ada-'$(date +%s)$RANDOM'@example.com","first_name":"Ada"}}'`,
  ]
    .map((line) => `    ${line}`)
    .join("\n");
}
