/** Names come from anywhere; what could move the cursor does not get to the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{C}+/gu, " ");
}
