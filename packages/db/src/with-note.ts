/** A sentence for the record, followed by what whoever did it had to say. */
export function withNote(sentence: string, note = ""): string {
  return note === "" ? sentence : `${sentence} ${note}`;
}
