import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { operationsAt } from "../operations-at.ts";

/**
 * Writes down which operation answered which problem to requests of this file, whoever sends them: at the end of a whole test
 * run `every-problem.ts` looks whether each documented one was provoked.
 */
export function noteProblems(baseUrl: string): void {
  const directory = inject("problemNotes");
  if (directory === undefined) return;
  const { fetch: send } = globalThis;
  globalThis.fetch = async (input, init) => {
    const answer = await send(input, init);
    const url = input instanceof Request ? input.url : String(input);
    if (url.startsWith(baseUrl) && answer.headers.get("content-type")?.startsWith("application/problem+json")) {
      const { code } = (await answer.clone().json()) as { code: string };
      const method = init?.method ?? (input instanceof Request ? input.method : "GET");
      const { pathname } = new URL(url);
      const operation = operationsAt(pathname).find((each) => each.method === method);
      if (operation !== undefined) appendFileSync(join(directory, String(process.pid)), `${operation.id} ${code}\n`);
    }
    return answer;
  };
}
