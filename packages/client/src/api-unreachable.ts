/**
 * There was no answer of the API: the network, a timeout, or something between that answered in its place. Whether a
 * request that writes took effect is not known.
 */
export class ApiUnreachable extends Error {
  override readonly name = "ApiUnreachable";
  /** Of whatever answered in the API's place; undefined if nothing did. */
  readonly status: number | undefined;

  constructor(message: string, details: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(message, { cause: details.cause });
    this.status = details.status;
  }
}
