import { type MetricDefinition, metricCatalogue } from "./metric-catalogue.ts";

/** The table of docs/metrics.md. */
export function renderMetricTable(): string {
  const rows = Object.entries<MetricDefinition>(metricCatalogue).map(
    ([name, { kind, help, labels, roles, alertOn }]) => {
      const braces = labels.length === 0 ? "" : `{${labels.join(",")}}`;
      return `| \`${name}${braces}\` | ${kind} | ${roles.join(", ")} | ${help} | ${alertOn ?? ""} |`;
    },
  );
  return ["| metric | kind | of | what it says | look when |", "|---|---|---|---|---|", ...rows].join("\n");
}
