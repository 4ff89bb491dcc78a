// Asks a Prometheus each question of the dashboard: node scripts/check-dashboard.mjs [http://127.0.0.1:9090]
// Ends with 1 if it refuses one, or answers with nothing where an installation that sends emails has something.
import { readFile } from "node:fs/promises";

const server = process.argv[2] ?? "http://127.0.0.1:9090";
const dashboard = JSON.parse(
  await readFile(new URL("../deploy/grafana/dashboards/dripline.json", import.meta.url), "utf8"),
);

/** Nothing of it is good news. */
const mayBeMissing = ["dripline_sweep_failures_total"];

let wrong = 0;
for (const panel of dashboard.panels) {
  for (const { expr } of panel.targets ?? []) {
    const series = await ask(expr.replaceAll("$instance", ".*").replaceAll("$__rate_interval", "1m"));
    const isMissed = series.length === 0 && !mayBeMissing.some((metric) => expr.includes(metric));
    if (typeof series === "string" || isMissed) wrong += 1;
    const said = typeof series === "string" ? series : `${series.length} series`;
    console.log(`${typeof series === "string" || isMissed ? "✗" : "✓"} ${panel.title}: ${said}\n    ${expr}`);
  }
}
console.log(wrong === 0 ? "\nEvery question has an answer." : `\n${wrong} without an answer.`);
process.exitCode = wrong === 0 ? 0 : 1;

/** The series that have a number now, or what the server said instead. */
async function ask(query) {
  const response = await fetch(`${server}/api/v1/query?${new URLSearchParams({ query })}`);
  const answer = await response.json();
  if (answer.status !== "success") return answer.error;
  return answer.data.result.filter(({ value }) => value[1] !== "NaN");
}
