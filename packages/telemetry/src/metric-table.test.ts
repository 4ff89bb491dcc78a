import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { renderMetricTable } from "./metric-table.ts";

test("docs/metrics.md lists every metric as the code declares it", () => {
  const document = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
  const [, table] = /<!-- metrics: begin -->\n\n([\s\S]*?)\n\n<!-- metrics: end -->/.exec(document) ?? [];

  expect(table).toBe(renderMetricTable());
});
