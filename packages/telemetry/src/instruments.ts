import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type MetricDefinition, type MetricName, metricCatalogue, type Role } from "./metric-catalogue.ts";

type Named<Kind extends MetricDefinition["kind"]> = {
  [Name in MetricName]: (typeof metricCatalogue)[Name]["kind"] extends Kind ? Name : never;
}[MetricName];

type LabelOf<Name extends MetricName> = (typeof metricCatalogue)[Name]["labels"][number];

/** Where the instruments of one process are registered. */
export interface MetricRegistry {
  readonly role: Role;
  readonly registry: Registry;
}

/** A registry of its own, with the role as a label of everything in it. Nothing here is process-wide. */
export function openMetricRegistry(role: Role): MetricRegistry {
  const registry = new Registry();
  registry.setDefaultLabels({ role });
  return { role, registry };
}

/** Event loop, memory, garbage, CPU: what every process of Node.js can tell. Watching the event loop costs a timer. */
export function watchProcess({ registry }: MetricRegistry): void {
  collectDefaultMetrics({ register: registry });
}

/** `beforeRead` runs at every scrape; it must not throw. */
export function makeCounter<Name extends Named<"counter">>(
  { registry }: MetricRegistry,
  name: Name,
  beforeRead?: () => Promise<void>,
): Counter<LabelOf<Name>> {
  const collect = beforeRead === undefined ? {} : { collect: beforeRead };
  return new Counter<LabelOf<Name>>({ ...described(name), registers: [registry], ...collect });
}

/** `collect` runs at every scrape and may set the gauge; it must not throw. */
export function makeGauge<Name extends Named<"gauge">>(
  { registry }: MetricRegistry,
  name: Name,
  collect?: (gauge: Gauge<LabelOf<Name>>) => void | Promise<void>,
): Gauge<LabelOf<Name>> {
  return new Gauge<LabelOf<Name>>({
    ...described(name),
    registers: [registry],
    ...(collect === undefined
      ? {}
      : {
          collect() {
            return collect(this);
          },
        }),
  });
}

export function makeHistogram<Name extends Named<"histogram">>(
  { registry }: MetricRegistry,
  name: Name,
): Histogram<LabelOf<Name>> {
  const { buckets } = metricCatalogue[name];
  return new Histogram<LabelOf<Name>>({ ...described(name), buckets: [...buckets], registers: [registry] });
}

function described<Name extends MetricName>(name: Name) {
  const { help, labels } = metricCatalogue[name];
  return { name, help, labelNames: [...labels] as LabelOf<Name>[] };
}
