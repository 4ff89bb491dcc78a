import { ProblemError } from "./problem-error.ts";

/** The revisions that the caller would accept; `*`: any; undefined: the caller does not say. */
export type IfMatch = "*" | readonly number[] | undefined;

/** The ETag of something at this revision (RFC 9110, section 8.8.3): a strong one. */
export function entityTag(revision: number): string {
  return `"${revision}"`;
}

const tags = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g;

/**
 * The `If-Match` of a request (RFC 9110, section 13.1.1). Comparison is strong: a weak tag is well-formed, but matches
 * nothing, and neither does one that no revision of ours ever had.
 * @throws ProblemError `invalid_header`
 */
export function readIfMatch(header: string | string[] | undefined): IfMatch {
  if (header === undefined) return undefined;
  const value = (Array.isArray(header) ? header.join(",") : header).trim();
  if (value === "*") return "*";
  const shape = value.replaceAll(tags, "T").replaceAll(/[ \t]/g, "");
  if (!/^,*T(,+T)*,*$/.test(shape)) {
    throw new ProblemError(
      "invalid_header",
      'The header If-Match is neither "*" nor a list of ETags such as "7" in quotes.',
    );
  }
  return [...value.matchAll(tags)]
    .filter(([, weak, opaque]) => weak === undefined && /^\d{1,10}$/.test(opaque ?? ""))
    .map(([, , opaque]) => Number(opaque));
}

/** For an operation that cannot keep the promise which the header asks for: to do it all the same would be worse. */
export function dependsOnNoRevision(): ProblemError {
  return new ProblemError(
    "invalid_header",
    "This operation does not depend on a revision, so it cannot heed If-Match: leave the header out.",
  );
}

/** @throws ProblemError `precondition_failed` if the caller read another revision than there is now */
export function refuseOtherRevision(ifMatch: IfMatch, { revision }: { readonly revision: number }): void {
  if (ifMatch === undefined || ifMatch === "*" || ifMatch.includes(revision)) return;
  throw new ProblemError(
    "precondition_failed",
    `It was edited since you read it: it is at revision ${revision} now. Read it again, and send the change with its new ETag.`,
    { extensions: { revision } },
  );
}
