import { z } from "zod";
import { defineOperation } from "./operation.ts";

const Check = z
  .strictObject({
    status: z.enum(["up", "down"]),
    detail: z.string().describe("What is wrong and what to do; else empty"),
  })
  .meta({ id: "HealthCheck" });

export const Readiness = z
  .strictObject({
    status: z
      .enum(["ready", "degraded"])
      .describe("`degraded`: requests are answered, but emails wait: for the queue, or until the database is adopted"),
    checks: z.strictObject({ database: Check, migrations: Check, fence: Check, queue: Check }),
  })
  .meta({ id: "Readiness" });
export type Readiness = z.output<typeof Readiness>;

export const getLiveness = defineOperation({
  id: "getLiveness",
  method: "GET",
  path: "/health/live/",
  summary: "Is this process alive",
  tag: "health",
  auth: "public",
  success: 200,
  output: z.strictObject({ status: z.literal("alive") }).meta({ id: "Liveness" }),
  errors: [],
});

export const getReadiness = defineOperation({
  id: "getReadiness",
  method: "GET",
  path: "/health/ready/",
  summary: "Can this process answer requests",
  description:
    "503 when the database cannot be reached or is not migrated. A queue that is down, or a database that is a copy and not adopted (`fence`), only degrades.",
  tag: "health",
  auth: "public",
  success: 200,
  output: Readiness,
  errors: ["not_ready"],
});
