const check = "Check DATABASE_URL.";

/**
 * What to show when PostgreSQL at `url` cannot be used. Names the host and database, never the password. Undefined if
 * the error is about something else.
 */
export function explainDatabaseError(error: unknown, url: string): string | undefined {
  const { host, hostname, pathname, username } = new URL(url);
  const name = decodeURIComponent(pathname.slice(1));
  const user = decodeURIComponent(username);
  switch (innermostCode(error)) {
    case "ECONNREFUSED":
      return `No PostgreSQL answers at ${host || "localhost"}. Start it, or correct DATABASE_URL.`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `The database host ${hostname} cannot be found. ${check}`;
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `The database host ${host} does not answer (firewall?). ${check}`;
    case "28P01":
    case "28000":
      return `PostgreSQL at ${host} refuses the user ${user} (password?). ${check}`;
    case "3D000":
      return `PostgreSQL at ${host} has no database "${name}". Create it (createdb ${name}), or correct DATABASE_URL.`;
    case "42501":
      return `The database user ${user} may not create tables in "${name}". Grant it (GRANT CREATE ON DATABASE ${name} TO ${user}; GRANT CREATE ON SCHEMA public TO ${user}), or use another user.`;
    case "57P03":
      return `PostgreSQL at ${host} is starting up or shutting down. Wait a moment and try again.`;
    case "25006":
      return `PostgreSQL at ${host} can only be read: it is a standby, or default_transaction_read_only is on. Let DATABASE_URL lead to the server that takes writes, or turn that off.`;
    case "53100":
      return `The disk of PostgreSQL at ${host} is full. Make room by a larger volume or by what is not PostgreSQL's own; nothing has to be restarted, and nothing is lost meanwhile.`;
    case "53300":
      return `PostgreSQL at ${host} has no connections left. Raise its max_connections, or close other programs that use it.`;
    default:
      return explainWords(error instanceof Error ? error.message : "", host);
  }
}

/** What node-postgres says without a code. */
function explainWords(message: string, host: string): string | undefined {
  if (/timeout expired|timeout exceeded|due to connection timeout/i.test(message)) {
    return `PostgreSQL at ${host} does not answer within a few seconds. ${check}`;
  }
  return /does not support SSL connections/i.test(message)
    ? `PostgreSQL at ${host} speaks no TLS, and DATABASE_URL wants it. Turn it on there (ssl = on), or on a network of your own take sslmode out of DATABASE_URL.`
    : undefined;
}

/** Drivers and drizzle wrap errors, and a host with two addresses fails with one error for each. */
function innermostCode(error: unknown): string | undefined {
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown[] };
  if (typeof code === "string") return code;
  const inner = cause ?? errors?.[0];
  return inner === undefined ? undefined : innermostCode(inner);
}
