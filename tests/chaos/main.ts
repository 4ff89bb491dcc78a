import { parseArgs } from "node:util";
import { runCrashPoints } from "./crash-points/run-crash-points.ts";

const { values } = parseArgs({ options: { profile: { type: "string" }, repetitions: { type: "string" } } });
if (values.profile === "crash-points") {
  const isGood = await runCrashPoints(Number(values.repetitions ?? 20), (line) => console.log(line));
  process.exitCode = isGood ? 0 : 1;
} else {
  console.error("npm run chaos -- --profile crash-points [--repetitions 20]");
  process.exitCode = 2;
}
