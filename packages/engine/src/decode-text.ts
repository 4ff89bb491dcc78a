import type { ImportEncoding } from "@dripline/domain/import-options";

/** The bytes are not text in this encoding. */
export class UndecodableError extends Error {
  override readonly name = "UndecodableError";
}

/** What a byte order mark at the beginning says; undefined without one. */
export function encodingOfMark(start: Uint8Array): ImportEncoding | undefined {
  const [first, second, third] = start;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return undefined;
}

/**
 * Decodes text piece by piece, characters that are cut by the end of a piece included. A byte order mark is left out.
 * @throws UndecodableError
 */
export async function* decodeText(pieces: AsyncIterable<Uint8Array>, encoding: ImportEncoding): AsyncGenerator<string> {
  if (encoding === "windows-1252") {
    for await (const piece of pieces) yield fromWindows1252(piece);
    return;
  }
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decode = (piece?: Uint8Array) => {
    try {
      return decoder.decode(piece, { stream: piece !== undefined });
    } catch (cause) {
      throw new UndecodableError(`the file is not ${encoding.toUpperCase()} all through`, { cause });
    }
  };
  for await (const piece of pieces) yield decode(piece);
  yield decode();
}

// The 32 places in which Windows-1252 is not Latin-1 (WHATWG Encoding). By hand, because the TextDecoder of several
// versions of Node that we support takes the one for the other.
const upperControls = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

function fromWindows1252(piece: Uint8Array): string {
  return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    .toString("latin1")
    .replaceAll(/[\x80-\x9f]/g, (character) => upperControls[character.charCodeAt(0) - 0x80] ?? character);
}
