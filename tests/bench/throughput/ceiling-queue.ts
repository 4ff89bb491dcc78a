import { Queue, Worker } from "bullmq";

// Ceilings B and C: what the queue library alone does. `node ceiling-queue.js <redis url> <jobs> <concurrency>`

const [url, jobs, concurrency] = process.argv.slice(2);
const { hostname: host, port } = new URL(url ?? "");
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const name = `bench-${process.pid}`;
const queue = new Queue(name, { connection });
const count = Number(jobs);
const job = (index: number) => ({
  name: "wake",
  data: { executionId: `019a0000-0000-7000-8000-${String(index).padStart(12, "0")}`, generation: 0 },
  opts: { removeOnComplete: true, removeOnFail: true },
});

const adding = performance.now();
for (let from = 0; from < count; from += 1_000) {
  await queue.addBulk(Array.from({ length: Math.min(1_000, count - from) }, (_, index) => job(from + index)));
}
const addSeconds = (performance.now() - adding) / 1_000;

let done = 0;
const start = performance.now();
await new Promise<void>((resolve) => {
  const worker = new Worker(
    name,
    async () => {
      done += 1;
      if (done === count) resolve();
    },
    { connection, concurrency: Number(concurrency) },
  );
  worker.on("error", () => {});
});
// The worker's connection keeps this process until it is ended; the next measurement empties Redis.
process.send?.({ type: "result", addSeconds, workSeconds: (performance.now() - start) / 1_000 });
