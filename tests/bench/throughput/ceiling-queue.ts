import { Queue, Worker } from "bullmq";
import { warmUpEmails } from "./message.ts";

// Ceilings B and C: what the queue library alone does. `node ceiling-queue.js <redis url> <jobs> <concurrency>`

const [url, jobs, concurrency] = process.argv.slice(2);
const address = new URL(url ?? "");
const connection = {
  host: address.hostname,
  port: Number(address.port || 6379),
  db: Number(address.pathname.slice(1)),
  ...(address.password === "" ? {} : { password: decodeURIComponent(address.password) }),
  ...(address.username === "" ? {} : { username: decodeURIComponent(address.username) }),
  maxRetriesPerRequest: null,
};
const job = (index: number) => ({
  name: "wake",
  data: { executionId: `019a0000-0000-7000-8000-${String(index).padStart(12, "0")}`, generation: 0 },
  opts: { removeOnComplete: true, removeOnFail: true },
});

await measure("warm-up", warmUpEmails);
const result = await measure("measured", Number(jobs));
// The worker's connection keeps this process until it is ended.
process.send?.({ type: "result", ...result });

async function measure(name: string, count: number): Promise<{ addSeconds: number; workSeconds: number }> {
  const queue = new Queue(`bench-${name}`, { connection });
  await queue.waitUntilReady();
  const adding = performance.now();
  for (let from = 0; from < count; from += 1_000) {
    await queue.addBulk(Array.from({ length: Math.min(1_000, count - from) }, (_, index) => job(from + index)));
  }
  const addSeconds = (performance.now() - adding) / 1_000;
  const start = performance.now();
  await work(queue.name, count);
  return { addSeconds, workSeconds: (performance.now() - start) / 1_000 };
}

function work(name: string, count: number): Promise<void> {
  let done = 0;
  return new Promise<void>((resolve) => {
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
}
