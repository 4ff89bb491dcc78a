/** Ends a `switch` over a union: the compiler refuses a case that was forgotten, and a value that slipped in is named. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
