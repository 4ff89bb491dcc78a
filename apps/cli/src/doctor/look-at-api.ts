import type { Finding } from "./finding.ts";

/** Whether the API answers at its address, and is ready. */
export async function lookAtApi(publicUrl: string): Promise<Finding> {
  const url = `${publicUrl}/health/ready`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    if (answer.ok) return { kind: "good", text: `API at ${publicUrl} is ready` };
    const remedy =
      answer.status === 503
        ? "Its log says what it waits for."
        : "Another program may use that port, or PUBLIC_URL is wrong.";
    return { kind: "bad", text: `${url} answers ${answer.status}`, remedy };
  } catch {
    return {
      kind: "warning",
      text: `no API answers at ${publicUrl}`,
      remedy: "Start it, or correct PUBLIC_URL (or API_PORT).",
    };
  }
}
