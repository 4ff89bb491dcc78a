import type { Deprecation } from "@dripline/contract/operation";
import type { FastifyReply, FastifyRequest } from "fastify";

/**
 * A hook that says in the headers of every answer that the operation is on its way out: `Deprecation` (RFC 9745) since
 * when, `Sunset` (RFC 8594) from when on it may be gone, and `Link` what takes its place and where it is told.
 */
export function announceDeprecation({ since, sunset, successor }: Deprecation, publicUrl: string) {
  const links = [
    ...(successor === undefined ? [] : [`<${publicUrl}${successor}>; rel="successor-version"`]),
    `<${publicUrl}/docs>; rel="deprecation"; type="text/html"`,
  ];
  const headers = {
    deprecation: `@${Date.parse(since) / 1_000}`, // a date of structured fields (RFC 9651): seconds since 1970
    ...(sunset === undefined ? {} : { sunset: new Date(sunset).toUTCString() }), // an HTTP-date
    link: links.join(", "),
  };
  return async (_request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.headers(headers);
  };
}
