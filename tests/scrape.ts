/** One line of what Prometheus reads: its labels, and its number. */
interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  readonly text: string;
  has(name: string): boolean;
  /** The sum over all lines of that name with these labels; 0 without any. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
}

/** Asks a process for its metrics, as Prometheus does. */
export async function scrape(port: number): Promise<Scrape> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}: ${text}`);
  const samples = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const pairs = [...labels.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, label, text]) => [label, text]);
    samples.set(name, [...(samples.get(name) ?? []), { labels: Object.fromEntries(pairs), value: Number(value) }]);
  }
  return {
    text,
    has: (name) => samples.has(name),
    value: (name, wanted = {}) =>
      (samples.get(name) ?? [])
        .filter(({ labels }) => Object.entries(wanted).every(([label, text]) => labels[label] === text))
        .reduce((sum, { value }) => sum + value, 0),
  };
}

export async function readHealth(port: number): Promise<{ status: number; body: { status: string; reason?: string } }> {
  const answer = await fetch(`http://127.0.0.1:${port}/health`);
  return { status: answer.status, body: (await answer.json()) as { status: string } };
}
