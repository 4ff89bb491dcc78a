const linesMax = 8;

/**
 * What a process said before it ended, for people: of the JSON log lines those that tell of an error, of other lines
 * all but stack traces.
 */
export function lastWords(log: string): string[] {
  const words = log.split("\n").flatMap((line) => {
    const entry = parseEntry(line);
    if (entry === undefined)
      return /^\s*(at |Node\.js v|\^|$)/.test(line) || isSourceExcerpt(line) ? [] : [line.trimEnd()];
    if (entry.level !== "error" && entry.level !== "fatal") return [];
    return [[entry.msg, entry.err?.message].filter((text) => text !== undefined && text !== "").join(": ")];
  });
  // What keeps a process from starting is said on standard error and in the log.
  return [...new Set(words)].slice(-linesMax);
}

/** Node.js prints where an uncaught error was thrown: "file:///…:12" and the line of code. */
function isSourceExcerpt(line: string): boolean {
  return /^(file:\/\/|node:|\/).*:\d+$/.test(line);
}

function parseEntry(line: string): { level?: string; msg?: string; err?: { message?: string } } | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as { level?: string; msg?: string; err?: { message?: string } };
  } catch {
    return undefined;
  }
}
