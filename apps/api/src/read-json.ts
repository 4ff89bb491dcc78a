import type { FastifyInstance } from "fastify";
import { ProblemError } from "./problem-error.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whether the operation has fields to send; if it has none, an empty body is what it takes. */
    takesFields?: boolean;
  }
}

/**
 * Reads bodies as JSON in UTF-8 (RFC 8259, section 8.1), whatever charset they claim. Bytes that are none are refused: read
 * leniently they would be stored as "\uFFFD", and names written in Windows-1252 be lost without anybody noticing.
 */
export function readJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body: Buffer, done) => {
    // Many clients name a type with every request, also with a DELETE.
    if (body.length === 0 && request.routeOptions.config.takesFields === false) return done(null, undefined);
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    } catch (cause) {
      return done(new ProblemError("malformed_json", "The body is not UTF-8, which JSON is written in.", { cause }));
    }
    void parse(request, text, done);
  });
}
