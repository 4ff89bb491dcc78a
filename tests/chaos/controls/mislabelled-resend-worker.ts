import { startWorker } from "@dripline/worker/start-worker";

// Sends everything in doubt again, as the policy `resend` does, while the sequences say `advance`.

const everyMilliseconds = 500;

await startWorker(process.env, {
  database(pool) {
    const resend = () =>
      pool
        .query(
          `update step_execution set status = 'scheduled', generation = generation + 1, scheduled_for = clock_timestamp()
           where status = 'in_doubt'`,
        )
        .catch(() => {});
    setInterval(() => void resend(), everyMilliseconds).unref();
    return pool;
  },
});
