import { operations } from "@dripline/contract/operations";

const paths = operations.map(({ method, path }) => ({
  method,
  pattern: new RegExp(`^${path.replace(/\/$/, "").replaceAll(/\{[^}]+\}/g, "[^/]+")}/?$`),
}));

/** The methods that this address takes, for the header `Allow` (RFC 9110, section 10.2.1); none: there is nothing at it. */
export function allowedMethods(url: string): string[] {
  const path = url.replace(/\?.*$/s, "");
  const methods = paths.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
  return [...new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])))];
}
