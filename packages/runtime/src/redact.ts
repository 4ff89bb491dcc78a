/**
 * One pass over a log line. What must stay as it is comes first: Message-IDs look like addresses and are what an
 * operator searches for, and half an escape sequence would break the line. Repetitions are bounded, or a long text
 * without an "@" would cost the square of its length.
 */
const sensitive = new RegExp(
  [
    '(?<keep>"messageId":"[^"]*"|\\\\u[0-9a-f]{4}|\\\\.)',
    String.raw`(?<scheme>\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"\\@/]*:[^\s"\\@/]*@`, // the password in a URL
    String.raw`(?<bearer>\bBearer\s+)[\w.~+/=-]+`,
    String.raw`(?<field>"(?:authorization|cookie|set-cookie|password|secret|apiKey|api_key|token)":)"(?:[^"\\]|\\.)*"`,
    String.raw`(?<key>\bdk_[A-Za-z]{1,10}_)[A-Za-z0-9_-]{8,}`, // an API key, wherever somebody pasted it
    String.raw`(?<first>[\p{L}\p{N}])[\p{L}\p{N}.!#$%&'*+=?^_{|}~-]{0,64}@(?<domain>[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63})+)`,
  ].join("|"),
  "giu",
);

/** Something of every kind above, by the same rules of letter case: a line without it, as most are, need not be gone through. */
const maybeSensitive = /@|bearer|dk_|"(?:authorization|cookie|set-cookie|password|secret|api_?key|token)":/iu;

interface SensitiveGroups {
  readonly keep?: string;
  readonly scheme?: string;
  readonly bearer?: string;
  readonly field?: string;
  readonly key?: string;
  readonly first?: string;
  readonly domain?: string;
}

/**
 * Takes addresses, keys and passwords out of a line of JSON that is about to be logged; the line stays valid JSON.
 * Of an address the first letter and the domain stay ("a…@example.com"): enough to follow a delivery problem, not
 * enough to write to somebody.
 */
export function redactLine(line: string): string {
  if (!maybeSensitive.test(line)) return line;
  return line.replace(sensitive, (match: string, ...rest: unknown[]) => {
    const found = rest.at(-1) as SensitiveGroups;
    if (found.keep !== undefined) return match;
    if (found.scheme !== undefined) return `${found.scheme}[redacted]@`;
    if (found.bearer !== undefined) return `${found.bearer}[redacted]`;
    if (found.field !== undefined) return `${found.field}"[redacted]"`;
    if (found.key !== undefined) return `${found.key}[redacted]`;
    return `${found.first}…@${found.domain}`;
  });
}
