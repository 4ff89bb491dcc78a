import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const read = (path: string) => readFile(new URL(path, root), "utf8");

/** What stands under a name at this depth of a file of YAML, without its comments; undefined if the name is not there. */
function under(text: string, name: string, depth: number): string | undefined {
  const indent = " ".repeat(depth);
  const block = new RegExp(`^${indent}${name}:.*\\n((?:${indent} .*\\n|\\n)*)`, "m");
  return block.exec(text.replaceAll(/^ *#.*\n/gm, ""))?.[1];
}

const files: [file: string, withWork: string[]][] = [
  ["docker-compose.yml", ["api", "worker"]],
  ["docker-compose.postgres.yml", ["dripline"]],
];

describe.each(files)("%s", async (file, withWork) => {
  const text = await read(file);
  const service = (name: string) => under(under(text, "services", 0) ?? "", name, 2) ?? "";

  test("publishes nothing but on this machine, and never the metrics", () => {
    const published = [...text.matchAll(/^ +ports: \["?([^"\]]+)"?\]$/gm)].map(([, port]) => port);
    expect(published).toHaveLength([...text.matchAll(/^ +ports:/gm)].length);
    expect(published.length).toBeGreaterThan(0);
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:\d+$/);
    expect(published.filter((port) => port?.endsWith(":9464"))).toEqual([]);
  });

  test.each(withWork)("gives a stopping %s longer than it takes", (name) => {
    const own = Number(/SHUTDOWN_GRACE_SECONDS: \$\{SHUTDOWN_GRACE_SECONDS:-(\d+)\}/.exec(text)?.[1]);
    expect(own).toBeGreaterThanOrEqual(60);
    expect(Number(/^ +stop_grace_period: (\d+)s$/m.exec(service(name))?.[1])).toBeGreaterThanOrEqual(own + 10);
  });

  test.each(withWork)("starts the %s when the migration is over, and that when the services are healthy", (name) => {
    expect(service(name)).toContain("migrate: { condition: service_completed_successfully }");
    const services = file === "docker-compose.yml" ? ["postgres", "redis"] : ["postgres"];
    for (const each of services) {
      expect(service("migrate")).toContain(`${each}: { condition: service_healthy }`);
      expect(under(service(each), "healthcheck", 4)).toContain("test:");
    }
    expect(service("migrate")).toContain('restart: "no"');
  });

  test("reads what is secret from files, and lets a container do no more than it must", () => {
    const shared = under(text, "x-dripline", 0) ?? "";
    for (const name of ["DATABASE_URL", "DRIPLINE_SECRET", "SMTP_URL"]) {
      expect(shared).toContain(`${name}_FILE: /run/secrets/${name.toLowerCase()}`);
      expect(shared).not.toMatch(new RegExp(`^ +${name}:`, "m"));
    }
    expect(service("postgres")).toContain("POSTGRES_PASSWORD_FILE: /run/secrets/");
    for (const line of ["init: true", "read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"]) {
      expect(shared).toContain(line);
    }
  });
});

test("docker-compose.yml runs two workers, on a Redis that keeps every job and survives a restart", async () => {
  const services = under(await read("docker-compose.yml"), "services", 0) ?? "";
  expect(under(under(services, "worker", 2) ?? "", "deploy", 4)).toContain("replicas: 2");
  const [, command = ""] = /command: \[(.*)\]/.exec(under(services, "redis", 2) ?? "") ?? [];
  expect(command).toContain('"--appendonly", "yes"');
  expect(command).toContain('"--maxmemory-policy", "noeviction"');
});

test("the image runs as nobody of importance, says whether it is healthy, and needs none of BuildKit's extensions", async () => {
  const lines = (await read("Dockerfile")).split("\n");
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")));
  expect(last[0]).toBe("FROM node:24-slim");
  expect(last.indexOf("USER node")).toBeGreaterThan(0);
  expect(last.filter((line) => line.startsWith("USER "))).toEqual(["USER node"]);
  expect(last.find((line) => line.startsWith("HEALTHCHECK "))).toContain(
    'CMD ["node", "/app/scripts/healthcheck.mjs"]',
  );
  expect(lines.filter((line) => /^# *syntax=|--mount|--chmod|--link|<</.test(line))).toEqual([]);
});

test.each(["dripline-api.service", "dripline-worker@.service"])(
  "%s gives a stopping process longer than it takes",
  async (file) => {
    const unit = await read(`deploy/systemd/${file}`);
    const { default: own } = (await import("@dripline/runtime/config-variables")).configVariables
      .SHUTDOWN_GRACE_SECONDS;
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThanOrEqual(Number(own) + 10);
  },
);
