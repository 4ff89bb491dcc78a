import { UserError } from "./user-error.ts";

/**
 * What to show for an error that ends a command: one sentence or two, and what to do. Errors nobody foresaw are named
 * as such; their stack is for whoever sets DRIPLINE_DEBUG.
 */
export function explainFailure(error: unknown): string {
  if (error instanceof UserError || isPlain(error)) return error.message;
  return explainSystemError(error) ?? `Unexpected: ${describe(error)} (DRIPLINE_DEBUG=1 shows where).`;
}

/** Errors of @dripline/embedded are written for people as well. By name, so that nothing need be loaded to compare. */
function isPlain(error: unknown): error is Error {
  return error instanceof Error && error.name.startsWith("Embedded");
}

/** A sentence for what the operating system refuses, or undefined. */
export function explainSystemError(error: unknown): string | undefined {
  const { code, path, port } = error as NodeJS.ErrnoException & { port?: number };
  const where = path === undefined ? "" : ` ${path}`;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return `No permission to write${where}. Make it writable for this user, or choose another directory with --dir.`;
    case "EROFS":
      return `Cannot write${where}: that file system is read-only. Choose another directory with --dir.`;
    case "ENOTDIR":
    case "EEXIST":
      return `Cannot make${where}: part of that path is a file where a directory is needed. Move it, or choose another directory with --dir.`;
    case "ENOSPC":
    case "EDQUOT":
      return `The disk is full${where === "" ? "" : `: could not write${where}`}. Free some space and start again; nothing recorded is lost.`;
    case "EMFILE":
    case "ENFILE":
      return "Too many open files. Raise the limit (ulimit -n 4096) and start again.";
    case "EADDRINUSE":
      return `Port ${port ?? "?"} is taken. Choose other ports with --port.`;
    default:
      return undefined;
  }
}

function describe(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split("\n")[0] ?? "";
}
