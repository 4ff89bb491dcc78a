/**
 * What the message of one execution is made from. Written with the first claim; every further attempt is made from it, so
 * that it has the same bytes and a copy that arrives after a doubt is the same message. It holds for this step and this
 * recipient: a corrected address makes a new message, and so does an edit that was published since, unless there is a doubt.
 */
export interface MessageSource {
  readonly stepId: string;
  readonly templateVersionId: string;
  readonly from: { readonly name: string; readonly address: string };
  readonly to: { readonly name: string; readonly address: string };
  /** As rendered: for the log. */
  readonly subject: string;
  readonly variables: Readonly<Record<string, unknown>> & { readonly unsubscribe_url: string };
  /** ISO 8601: the message's Date, and what "now" is in its template. */
  readonly composedAt: string;
}
