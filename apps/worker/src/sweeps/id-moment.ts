/** The millisecond in which a UUIDv7 was made (RFC 9562 section 5.7: its first 48 bits). */
export function momentOfId(id: string): Date {
  return new Date(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16));
}

/** The lowest id that a UUIDv7 of this moment can be. */
export function firstIdOfMoment(at: Date): string {
  const hex = at.getTime().toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
