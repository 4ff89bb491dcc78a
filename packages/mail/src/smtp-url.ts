import { isIP } from "node:net";

/** Where and how to reach an SMTP server. */
export type SmtpServer = {
  host: string;
  port: number;
  /** `implicit`: TLS from the first byte. `required`: STARTTLS or nothing. `optional`: STARTTLS when offered. */
  tls: "implicit" | "required" | "optional" | "off";
  /** False accepts any certificate: for test servers only. */
  tlsVerify: boolean;
  auth?: { user: string; pass: string };
  /** The name this client gives in EHLO; the machine's own when absent. */
  name?: string;
};

export type SmtpUrl = { ok: true; server: SmtpServer } | { ok: false; problem: string };

const example = "smtp://user:password@mail.example.com:587";

/**
 * Reads `smtp://user:password@host:port` (port 587 when absent) or `smtps://…` (TLS from the start, 465). User and
 * password are percent-encoded. Query options:
 *
 * - `starttls=required|optional|off` (smtp:// only). Default: `required` when there is a password and the host is not
 *   this machine, because somebody on the way could otherwise strip STARTTLS and read it; else `optional`.
 * - `tls_verify=false` accepts a certificate that does not verify (test servers).
 * - `name=host.example.com` the name given in EHLO.
 *
 * A problem completes "SMTP_URL …", says what to change, and never repeats a password: nor what may be one, as after a
 * slash or a question mark that belongs to it.
 */
export function parseSmtpUrl(text: string): SmtpUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return problem(
      `is not a URL; expected something like ${example} (percent-encode special characters in the password)`,
    );
  }
  if (url.protocol !== "smtp:" && url.protocol !== "smtps:") {
    return problem(`does not start with smtp:// or smtps://; expected something like ${example}`);
  }
  const implicit = url.protocol === "smtps:";
  const host = bareHost(url.hostname);
  if (host === "") return problem(`names no host; expected something like ${example}`);
  if (!/^[A-Za-z0-9._:-]+$/.test(host))
    return problem(`names a host that is none: "${host}" (write it in ASCII, xn--…)`);
  if (url.pathname !== "" && url.pathname !== "/") {
    return problem(`has a path; write options like ${example}?starttls=required, and a "/" of the password as %2F`);
  }
  if (url.hash !== "") return problem('has a "#"; percent-encode it as %23 if it belongs to the password');

  const user = decoded(url.username);
  const pass = decoded(url.password);
  if (user === null || pass === null)
    return problem("has a user or password that is not valid percent-encoding (write % as %25)");
  if ((user === "") !== (pass === "")) return problem("needs both user and password, or neither");

  const options = readOptions(url.searchParams, implicit);
  if (typeof options === "string") return problem(options);
  const guarded = user !== "" && !isLoopbackHost(host);
  return {
    ok: true,
    server: {
      host,
      port: url.port === "" ? (implicit ? 465 : 587) : Number(url.port),
      tls: implicit ? "implicit" : (options.starttls ?? (guarded ? "required" : "optional")),
      tlsVerify: options.tlsVerify,
      ...(user === "" ? {} : { auth: { user, pass } }),
      ...(options.name === undefined ? {} : { name: options.name }),
    },
  };
}

/** Whether mail to this host stays on this machine: localhost (RFC 6761 section 6.3), 127.0.0.0/8, ::1. No look-up. */
export function isLoopbackHost(host: string): boolean {
  const name = bareHost(host).toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (isIP(name) === 4) return name.startsWith("127.");
  if (isIP(name) !== 6) return false;
  const canonical = bareHost(new URL(`http://[${name}]/`).hostname);
  // ::ffff:7f00:1 is 127.0.0.1 in IPv6 clothes.
  return canonical === "::1" || /^::ffff:7f[0-9a-f]{2}:/.test(canonical);
}

type Options = { starttls?: "required" | "optional" | "off"; tlsVerify: boolean; name?: string };

function readOptions(params: URLSearchParams, implicit: boolean): Options | string {
  const options: Options = { tlsVerify: true };
  for (const [key, value] of params) {
    if (key === "starttls") {
      if (implicit) return "has starttls, which does not go with smtps://: that uses TLS from the start";
      if (value !== "required" && value !== "optional" && value !== "off") {
        return "has a starttls that is none of required, optional and off";
      }
      options.starttls = value;
    } else if (key === "tls_verify") {
      if (value !== "true" && value !== "false") return "has a tls_verify that is neither true nor false";
      options.tlsVerify = value === "true";
    } else if (key === "name") {
      if (!/^[A-Za-z0-9.[\]:-]+$/.test(value)) return "has a name that is not a host name";
      options.name = value;
    } else {
      return `has an unknown option${/^[a-z_]+$/.test(key) ? ` (${key})` : ""}; known are starttls, tls_verify and name, and a "?" of the password is %3F`;
    }
  }
  return options;
}

function problem(sentence: string): SmtpUrl {
  return { ok: false, problem: sentence };
}

function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
