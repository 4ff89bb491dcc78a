import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { OperationDefinition } from "@dripline/contract/operation";
import type { Database } from "@dripline/db/database";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Deps } from "./deps.ts";
import { ProblemError } from "./problem-error.ts";
import { answerWrite, type Context, type Handler, type RequestContext, route } from "./serve.ts";

type Upload = OperationDefinition & { readonly file: NonNullable<OperationDefinition["file"]> };
type Download = OperationDefinition & { readonly download: string };

/**
 * Serves an operation whose body is a file. `receive` gets it as it comes, outside of any transaction, because it may take
 * minutes; what it answers goes to `handler`, which runs as in `serve` once the file is there as a whole.
 */
export function serveUpload<O extends Upload, Received>(
  app: FastifyInstance,
  deps: Deps,
  operation: O,
  receive: (context: RequestContext<O>, file: AsyncIterable<Buffer>) => Promise<Received>,
  handler: (context: Context<NoInfer<O>>, received: Received) => ReturnType<Handler<NoInfer<O>>>,
): void {
  const { contentTypes, bytesMax } = operation.file;
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The body is left alone here, and read from the request itself.
    scope.addContentTypeParser([...contentTypes], (_request, _body, done) => done(null));
    scope.addContentTypeParser("*", (_request, _body, done) => {
      done(new ProblemError("unsupported_media_type", `Send the file as ${contentTypes.join(" or ")}.`));
    });
    route(scope, deps, operation, async (context, request, reply) => {
      const { socket } = request.raw; // a request that breaks off has none afterwards
      try {
        if (Number(request.headers["content-length"] ?? 0) > bytesMax) throw tooLarge(bytesMax);
        const received = await receive(context, atMost(bytesMax, request.raw));
        return await answerWrite(deps, operation, (each) => handler(each, received), context, request, reply);
      } catch (error) {
        if (!request.raw.complete) endConnectionAfter(reply, socket);
        throw error;
      }
    });
  });
}

/**
 * What is left of the file is not waited for. Nor would the server ever close a connection by itself whose request is not
 * read to its end: stopping the process would wait for it.
 */
function endConnectionAfter(reply: FastifyReply, socket: Socket): void {
  reply.header("connection", "close");
  reply.raw.once("finish", () => socket.destroySoon());
}

async function* atMost(bytesMax: number, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    yield piece;
  }
}

function tooLarge(bytesMax: number): ProblemError {
  const detail = `The file is larger than ${bytesMax.toLocaleString("en-US")} bytes: divide it.`;
  return new ProblemError("payload_too_large", detail);
}

/** Serves an operation whose answer is a file, written out as it is read. Problems come before its first line. */
export function serveDownload<O extends Download>(
  app: FastifyInstance,
  deps: Deps,
  operation: O,
  handler: (
    context: RequestContext<O> & { readonly db: Database },
  ) => Promise<{ readonly fileName: string; readonly lines: AsyncIterable<string> }>,
): void {
  route(app, deps, operation, async (context, _request, reply) => {
    const { fileName, lines } = await handler({ ...context, db: deps.database });
    return reply
      .status(operation.success)
      .type(operation.download)
      .header("content-disposition", `attachment; filename="${fileName}"`)
      .send(Readable.from(lines));
  });
}
