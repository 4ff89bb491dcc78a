import { defineConfig } from "drizzle-kit";

// `pnpm --filter @dripline/db generate --name what-changed` writes the next file of ./migrations from the schema.
export default defineConfig({ dialect: "postgresql", schema: "./src/schema/*.ts", out: "./migrations" });
