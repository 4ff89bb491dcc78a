import { createApiKey } from "@dripline/db/api-keys";
import { type Api, startApi } from "./processes.ts";
import type { Installation } from "./services.ts";

/** Calls of an integrator: over connections that stay open, with a key that has no limits but the usual ones. */
export interface ApiCalls {
  /** @throws when the answer is not one of success */
  send<Answer>(method: "GET" | "POST" | "PUT", path: string, body?: unknown): Promise<Answer>;
  /** The same with a CSV file as the body. */
  upload(path: string, csv: string): Promise<void>;
}

/** Runs `work` with a real API process of the installation, and ends that. */
export async function withApi<Result>(
  installation: Installation,
  directory: string,
  work: (api: ApiCalls) => Promise<Result>,
): Promise<Result> {
  const { key } = await createApiKey(installation.database, { name: "bench", now: new Date(), scopes: ["write"] });
  const api = await startApi(installation.env, directory);
  try {
    return await work(callsTo(api, key));
  } finally {
    await api.stop();
  }
}

function callsTo(api: Api, key: string): ApiCalls {
  const call = async (method: string, path: string, contentType: string, body: string | null) => {
    const response = await fetch(new URL(`/api/v1${path}`, api.url), {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === null ? {} : { "content-type": contentType }) },
      body,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text.slice(0, 500)}`);
    return text;
  };
  return {
    send: async <Answer>(method: string, path: string, body?: unknown) =>
      JSON.parse(
        await call(method, path, "application/json", body === undefined ? null : JSON.stringify(body)),
      ) as Answer,
    upload: async (path, csv) => void (await call("PUT", path, "text/csv", csv)),
  };
}
