export type EmbeddedPostgresFailure =
  | "already_running"
  | "broken_installation"
  | "directory_not_ours"
  | "directory_not_writable"
  | "disk_full"
  | "failed_to_start"
  | "port_taken"
  | "root_needs_help"
  | "unsupported_platform"
  | "wrong_version";

/**
 * The embedded PostgreSQL cannot do what was asked. `message` is one plain sentence or two that say what is wrong and
 * what to do next, fit to be shown without a stack trace; what PostgreSQL itself said is in `cause`, when it said anything.
 */
export class EmbeddedPostgresError extends Error {
  override readonly name = "EmbeddedPostgresError";
  readonly failure: EmbeddedPostgresFailure;

  constructor(failure: EmbeddedPostgresFailure, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.failure = failure;
  }
}
