import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { describeRedis, readRedisUrl } from "./redis-url.ts";

const directory = mkdtempSync(join(tmpdir(), "dripline-redis-url-"));
afterAll(() => rmSync(directory, { recursive: true }));
const ca = join(directory, "ca.pem");
const pem = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n";
writeFileSync(ca, pem);
const key = join(directory, "key.pem");
const keyPem = "-----BEGIN EC PRIVATE KEY-----\n…\n-----END EC PRIVATE KEY-----\n";
writeFileSync(key, keyPem);

test.each([
  ["redis://localhost", { kind: "single", servers: [{ host: "localhost", port: 6379 }], db: 0 }],
  ["redis://10.0.0.1:7000/3", { servers: [{ host: "10.0.0.1", port: 7000 }], db: 3 }],
  ["redis://[::1]:7000", { servers: [{ host: "::1", port: 7000 }] }],
  ["redis://:p%40ss@host", { password: "p@ss" }],
  ["redis://app:p:w@host/", { username: "app", password: "p:w", db: 0 }],
  ["redis://host?family=0", { family: 0 }],
  ["rediss://host", { tls: { rejectUnauthorized: true } }],
  ["REDISS://host?tls_verify=false", { tls: { rejectUnauthorized: false } }],
  [`rediss://host?ca_file=${ca}`, { tls: { ca: pem, rejectUnauthorized: true } }],
  [`rediss://host?cert_file=${ca}&key_file=${key}`, { tls: { cert: pem, key: keyPem, rejectUnauthorized: true } }],
  [
    "redis+sentinel://app:pw@s1,s2:26380,[::1]:26381/mymaster/2?sentinel_password=spw",
    {
      kind: "sentinel",
      servers: [
        { host: "s1", port: 26_379 },
        { host: "s2", port: 26_380 },
        { host: "::1", port: 26_381 },
      ],
      username: "app",
      password: "pw",
      db: 2,
      sentinel: { master: "mymaster", password: "spw" },
    },
  ],
  [
    "rediss+cluster://:pw@n1:7000,n2:7001",
    {
      kind: "cluster",
      servers: [
        { host: "n1", port: 7000 },
        { host: "n2", port: 7001 },
      ],
      password: "pw",
      tls: { rejectUnauthorized: true },
    },
  ],
])("%s", (text, target) => {
  expect(readRedisUrl(text)).toMatchObject({ ok: true, target });
});

test.each([
  ["http://hunter2@host", "does not start with redis://"],
  ["hunter2", "is not like redis://"],
  ["redis://", "names no host"],
  ["redis://host:port", "a host that is none"],
  ["redis://a,b", "redis+sentinel://"],
  ["redis://user:%zz@host", "percent-encoding"],
  ["redis://user:hunter2#@host", "percent-encoded"],
  ["redis://host/zero", "no number"],
  ["redis://host/1/2", "too long a path"],
  ["redis+sentinel://s1", "names no master"],
  ["redis+cluster://n1/1", "only one"],
  ["redis://host?tls_verify=false", "without TLS"],
  ["rediss://host?tls_verify=no", "neither true nor false"],
  ["rediss://host?ca_file=/nowhere/ca.pem", "/nowhere/ca.pem (ENOENT)"],
  [`rediss://host?ca_file=${key}`, "names a ca_file without a certificate in it (PEM)"],
  [`rediss://host?cert_file=${ca}&key_file=${ca}`, "names a key_file without a private key in it (PEM)"],
  ["rediss://host?cert_file=/nowhere/cert.pem", "names a cert_file that cannot be read: /nowhere/cert.pem (ENOENT)"],
  [`rediss://host?key_file=${key}`, "needs both cert_file and key_file"],
  [`redis://host?cert_file=${ca}&key_file=${key}`, "has cert_file without TLS"],
  ["redis://host?sentinel_password=hunter2", 'unknown option "sentinel_password"'],
  ["redis://user:12?hunter2@host", "has an unknown option; there are"],
])("%s is refused with what to change, and without a password", (text, problem) => {
  const read = readRedisUrl(text);
  expect(read).toMatchObject({ ok: false, problem: expect.stringContaining(problem) });
  expect(JSON.stringify(read)).not.toContain("hunter2");
});

test.each([
  ["redis://:pw@[::1]", "[::1]:6379"],
  ["redis+sentinel://:pw@s1,s2/mymaster", '"mymaster" of the Sentinels s1:26379, s2:26379'],
  ["redis+cluster://:pw@n1,n2", "the cluster of n1:6379, n2:6379"],
])("%s is named without its password", (text, name) => {
  const read = readRedisUrl(text);
  expect(read.ok && describeRedis(read.target)).toBe(name);
});
