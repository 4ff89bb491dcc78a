import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { configVariables } from "@dripline/runtime/config-variables";
import { nodeFlags } from "@dripline/runtime/node-flags";
import { expect, test } from "vitest";

const run = promisify(execFile);
const root = new URL("../", import.meta.url);
const read = (path: string) => readFile(new URL(path, root), "utf8");

const asking = [
  "deploy/prometheus/alerts.yml",
  "deploy/grafana/dashboards/dripline.json",
  "deploy/kubernetes/components/keda-prometheus/scaled-object.yaml",
];

/** What prom-client reports of any process; a name that is not in this list is not wrong, only unknown to this test. */
const ofProcess = ["nodejs_eventloop_lag_p99_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes"];

test.each(asking)("every metric that %s asks for is one that docs/metrics.md has", async (path) => {
  const documented = new Set([...ofProcess, ...((await read("docs/metrics.md")).match(/dripline_[a-z_]+/g) ?? [])]);
  const asked = (await read(path)).match(/\b(dripline|nodejs|process)_[a-z0-9_]+/g) ?? [];
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.filter((name) => !documented.has(name.replace(/_(bucket|count|sum)$/, "")))).toEqual([]);
});

test("every alert names a section of docs/operations.md that exists", async () => {
  const sections = [...(await read("docs/operations.md")).matchAll(/^#+ (.+)$/gm)].map(([, title]) => anchorOf(title));
  const alerts = await read("deploy/prometheus/alerts.yml");
  const named = [...alerts.matchAll(/runbook: docs\/operations\.md#(\S+)/g)].map(([, anchor]) => anchor);
  expect(named).toHaveLength([...alerts.matchAll(/- alert: /g)].length);
  expect(named.filter((anchor) => !sections.includes(anchor ?? ""))).toEqual([]);
});

/** As GitHub makes them. */
function anchorOf(title = ""): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .replaceAll(" ", "-");
}

test("every alert rule has a test", async () => {
  const tests = await read("deploy/prometheus/alerts.test.yml");
  const names = [...(await read("deploy/prometheus/alerts.yml")).matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const firing = new Set([...tests.matchAll(/alertname: (\w+)\n\s+exp_alerts:\n/g)].map(([, name]) => name));
  expect(names.filter((name) => !firing.has(name))).toEqual([]);
});

const hasPromtool = await run("promtool", ["--version"]).then(
  () => true,
  () => false,
);

test.skipIf(!hasPromtool)("Prometheus takes its settings, and each alert fires when it should", async () => {
  await run("promtool", ["check", "config", "deploy/prometheus/prometheus.yml"], { cwd: root });
  await run("promtool", ["test", "rules", "deploy/prometheus/alerts.test.yml"], { cwd: root });
});

test.each([
  ["Dockerfile", /^ENTRYPOINT \["node", (.*), "\/app\/scripts\/role\.mjs"\]$/m],
  ["deploy/systemd/dripline-api.service", /^ExecStart=\/usr\/bin\/node (.*) scripts\/role\.mjs api$/m],
  ["deploy/systemd/dripline-worker@.service", /^ExecStart=\/usr\/bin\/node (.*) scripts\/role\.mjs worker$/m],
])("%s starts Node.js as everybody does", async (path, command) => {
  const [, flags] = command.exec(await read(path)) ?? [];
  expect(flags?.replaceAll('"', "").split(/,? /)).toEqual([...nodeFlags]);
});

test("Kubernetes sets no variable that Dripline does not know", async () => {
  const settings = await read("deploy/kubernetes/base/settings.yaml");
  const known = new Set(Object.keys(configVariables).flatMap((name) => [name, `${name}_FILE`]));
  const set = [...settings.matchAll(/^ {2}(?:# )?([A-Z_]+):/gm)].map(([, name = ""]) => name);
  expect(set).toContain("DATABASE_URL_FILE");
  expect(set.filter((name) => !known.has(name))).toEqual([]);
});

test.each(["api", "worker"])("Kubernetes gives a stopping %s longer than it takes", async (role) => {
  const number = async (path: string, pattern: RegExp) => Number(pattern.exec(await read(path))?.[1]);
  const own = await number("deploy/kubernetes/base/settings.yaml", /SHUTDOWN_GRACE_SECONDS: "(\d+)"/);
  const path = `deploy/kubernetes/base/${role}.yaml`;
  const before = role === "api" ? await number(path, /sleep: \{ seconds: (\d+) \}/) : 0;
  expect(await number(path, /terminationGracePeriodSeconds: (\d+)/)).toBeGreaterThanOrEqual(before + own + 10);
});

test("what kustomize is to read is there", async () => {
  const directories = ["base", "components/keda-prometheus", "components/keda-postgresql", "example"];
  for (const directory of directories) {
    const path = `deploy/kubernetes/${directory}/`;
    const files = await readdir(new URL(path, root));
    const listed = [...(await read(`${path}kustomization.yaml`)).matchAll(/([\w-]+\.yaml)/g)].map(([, name]) => name);
    expect(files.filter((name) => name !== "kustomization.yaml").sort()).toEqual(listed.sort());
  }
});
