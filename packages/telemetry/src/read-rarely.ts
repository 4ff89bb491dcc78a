/**
 * Makes `read` answer from what it found last, for `seconds`: however often and by however many it is asked, it runs at
 * most once in that time. What it threw is kept as long, so that a source that is away is not asked any more often.
 */
export function readRarely<Value>(
  read: () => Promise<Value>,
  { seconds, monotonic }: { readonly seconds: number; readonly monotonic: () => number },
): () => Promise<Value> {
  let last: { readonly at: number; readonly value: Promise<Value> } | undefined;
  return () => {
    const now = monotonic();
    if (last === undefined || now - last.at >= seconds * 1_000) last = { at: now, value: read() };
    return last.value;
  };
}
