import { operationsAt } from "./operations-at.ts";

/** The methods that this address takes, for the header `Allow` (RFC 9110, section 10.2.1); none: there is nothing at it. */
export function allowedMethods(url: string): string[] {
  const methods = operationsAt(url.replace(/\?.*$/s, "")).map(({ method }) => method);
  return [...new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])))];
}
