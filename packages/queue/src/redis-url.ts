import { readFileSync } from "node:fs";

export type RedisServer = { host: string; port: number };

/** Where and how to reach a Redis or Valkey. */
export type RedisTarget = {
  /** `sentinel`: whichever server the Sentinels say is the master. `cluster`: all of the nodes that these know. */
  kind: "single" | "sentinel" | "cluster";
  /** The server; the Sentinels; some nodes of the cluster. At least one. */
  servers: readonly [RedisServer, ...RedisServer[]];
  username?: string;
  password?: string;
  db: number;
  /** 4 or 6; 0 is whichever the name has. */
  family?: number;
  /**
   * What to trust instead of the usual authorities, what to show a server that asks for it, and whether to look at its
   * certificate at all. Absent: no TLS.
   */
  tls?: { ca?: string; cert?: string; key?: string; rejectUnauthorized: boolean };
  /** What the Sentinels call the master, and how to log in to them. */
  sentinel?: { master: string; username?: string; password?: string };
};

export type RedisUrl = { ok: true; target: RedisTarget } | { ok: false; problem: string };

const defaultPort = { single: 6379, sentinel: 26_379, cluster: 6379 } as const;
const examples = {
  single: "redis://user:password@host:6379/0",
  sentinel: "redis+sentinel://user:password@sentinel1:26379,sentinel2:26379/mymaster",
  cluster: "redis+cluster://user:password@node1:6379,node2:6379",
} as const;

/**
 * Reads the address of a Redis or Valkey; with `rediss` in place of `redis` every connection is TLS. User and password
 * are percent-encoded.
 *
 * - `redis://user:password@host:port/db`
 * - `redis+sentinel://user:password@sentinel1:port,sentinel2:port/master/db`: user and password are those of the servers
 * - `redis+cluster://user:password@node1:port,node2:port`
 *
 * Query options: `ca_file=/path` trusts the authorities in that file (PEM) and no others; `cert_file=/path` and
 * `key_file=/path` are shown to servers that ask for a certificate (Redis does, unless `tls-auth-clients no`);
 * `tls_verify=false` accepts any certificate (test servers); `family=4|6|0`; `sentinel_username`, `sentinel_password` for
 * Sentinels that want a log-in.
 *
 * A problem completes "REDIS_URL …", says what to change, and never repeats a password.
 */
export function readRedisUrl(text: string): RedisUrl {
  // Not by URL: several hosts are none.
  const match = /^(rediss?)(\+sentinel|\+cluster)?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/i.exec(
    text,
  );
  if (match === null) {
    const scheme = /^([a-z][\w.+-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
    return problem(
      scheme !== undefined && !/^rediss?(\+sentinel|\+cluster)?$/.test(scheme)
        ? "does not start with redis://, rediss://, redis+sentinel:// or redis+cluster://"
        : `is not like ${examples.single} (a password with special characters must be percent-encoded)`,
    );
  }
  const [, scheme = "", form, login, hosts = "", path = "", query = ""] = match;
  const kind = (form?.slice(1).toLowerCase() ?? "single") as RedisTarget["kind"];
  const servers = hosts.split(",").map((host) => readServer(host, defaultPort[kind]));
  const [first, ...others] = servers.filter((server) => server !== undefined);
  if (first === undefined || others.length + 1 < servers.length) {
    return problem(`names ${hosts === "" ? "no host" : "a host that is none"}; write it like ${examples[kind]}`);
  }
  if (kind === "single" && others.length > 0) {
    return problem(`names several hosts: is that ${examples.sentinel} or ${examples.cluster}?`);
  }
  const credentials = readLogin(login);
  if (credentials === undefined) return problem("has a user or password that is not valid percent-encoding (% is %25)");

  const names = path.split("/").slice(1).map(decoded);
  const [master, db] = kind === "sentinel" ? names : [undefined, names[0]];
  if (names.length > (kind === "sentinel" ? 2 : 1))
    return problem(`has too long a path; write it like ${examples[kind]}`);
  if (kind === "sentinel" && !master) return problem(`names no master; write it like ${examples.sentinel}`);
  if (db && (kind === "cluster" || !/^\d{1,4}$/.test(db))) {
    return problem(
      kind === "cluster" ? "names a database, and a cluster has only one" : "has a database that is no number",
    );
  }

  const options = readOptions(new URLSearchParams(query), { isTls: scheme.toLowerCase() === "rediss", kind });
  if (typeof options === "string") return problem(options);
  const { tls, family, sentinelLogin } = options;
  return {
    ok: true,
    target: {
      kind,
      servers: [first, ...others],
      ...credentials,
      db: db ? Number(db) : 0,
      ...(family === undefined ? {} : { family }),
      ...(tls === undefined ? {} : { tls }),
      ...(master ? { sentinel: { master, ...sentinelLogin } } : {}),
    },
  };
}

/** Names it for people, without the password: `10.0.0.1:6379`, or the master or cluster and whom one asks for it. */
export function describeRedis({ kind, servers, sentinel }: RedisTarget): string {
  const addresses = servers.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(", ");
  if (kind === "single") return addresses;
  return kind === "cluster" ? `the cluster of ${addresses}` : `"${sentinel?.master}" of the Sentinels ${addresses}`;
}

function readServer(text: string, port: number): RedisServer | undefined {
  if (text.trim() !== text || !URL.canParse(`redis://${text}`)) return undefined;
  const url = new URL(`redis://${text}`);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return host === "" ? undefined : { host, port: Number(url.port) || port };
}

type Login = { username?: string; password?: string };

/** `user:password`, `:password`, or as some hosts write it, the password of the user "default" alone after a colon. */
function readLogin(text: string | undefined): Login | undefined {
  if (text === undefined || text === "") return {};
  const [user = "", ...rest] = text.split(":");
  const [username, password] = [decoded(user), decoded(rest.join(":"))];
  if (username === undefined || password === undefined) return undefined;
  return { ...(username === "" ? {} : { username }), ...(password === "" ? {} : { password }) };
}

type Options = { tls?: NonNullable<RedisTarget["tls"]>; family?: number; sentinelLogin: Login };

function readOptions(
  params: URLSearchParams,
  { isTls, kind }: { isTls: boolean; kind: RedisTarget["kind"] },
): Options | string {
  const tls: NonNullable<RedisTarget["tls"]> = { rejectUnauthorized: true };
  const options: Options = { sentinelLogin: {} };
  for (const [key, value] of params) {
    const isFile = isTlsFile(key);
    if ((isFile || key === "tls_verify") && !isTls) return `has ${key} without TLS: write rediss in place of redis`;
    if (isFile) {
      const read = readPem(key, value);
      if ("problem" in read) return read.problem;
      tls[tlsFiles[key].as] = read.pem;
    } else if (key === "tls_verify") {
      if (value !== "true" && value !== "false") return "has a tls_verify that is neither true nor false";
      tls.rejectUnauthorized = value === "true";
    } else if (key === "family") {
      if (!/^[046]$/.test(value)) return "has a family that is not 4, 6 or 0 (either)";
      options.family = Number(value);
    } else if (kind === "sentinel" && key === "sentinel_username") options.sentinelLogin.username = value;
    else if (kind === "sentinel" && key === "sentinel_password") options.sentinelLogin.password = value;
    // Not everything: it may be a piece of a password with a question mark in it.
    else
      return `has an unknown option${/^[a-z_]+$/i.test(key) ? ` "${key}"` : ""}; there are ca_file, cert_file, key_file, tls_verify, family, sentinel_username and sentinel_password`;
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) return "needs both cert_file and key_file, or neither";
  return isTls ? { ...options, tls } : options;
}

const tlsFiles = {
  ca_file: { as: "ca", what: "certificate" },
  cert_file: { as: "cert", what: "certificate" },
  key_file: { as: "key", what: "private key" },
} as const;

function isTlsFile(option: string): option is keyof typeof tlsFiles {
  return Object.hasOwn(tlsFiles, option);
}

function readPem(option: keyof typeof tlsFiles, file: string): { pem: string } | { problem: string } {
  const { what } = tlsFiles[option];
  try {
    const pem = readFileSync(file, "utf8");
    // Of keys there are several kinds: RSA PRIVATE KEY, EC PRIVATE KEY.
    return new RegExp(`-----BEGIN (\\w+ )*${what}-----`, "i").test(pem)
      ? { pem }
      : { problem: `names a ${option} without a ${what} in it (PEM): ${file}` };
  } catch (error) {
    return { problem: `names a ${option} that cannot be read: ${file} (${(error as NodeJS.ErrnoException).code})` };
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function problem(sentence: string): RedisUrl {
  return { ok: false, problem: sentence };
}
