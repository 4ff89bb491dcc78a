/** Names of what is counted per day. */

export function sequenceScope(sequenceId: string): string {
  return `sequence:${sequenceId}`;
}

export function senderScope(address: string): string {
  return `sender:${address.toLowerCase()}`;
}
