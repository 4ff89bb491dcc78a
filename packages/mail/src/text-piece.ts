import { encodeQuotedPrintable, encodeToGoOn, softBreak } from "./quoted-printable.ts";

/** A piece of a text. One that stands in every message of a template is encoded once for all of them. */
export class TextPiece {
  readonly text: string;
  #encoded: EncodedPiece | undefined;

  constructor(text: string) {
    this.text = text;
  }

  encoded(): EncodedPiece {
    this.#encoded ??= encodePiece(this.text);
    return this.#encoded;
  }
}

interface EncodedPiece {
  readonly text: string;
  /** Ends with a line break that is not its own. */
  readonly goesOn: boolean;
  readonly endsWithCarriageReturn: boolean;
}

function encodePiece(text: string): EncodedPiece {
  const clean = withoutControls(text);
  const encoded = encodeToGoOn(clean);
  return { text: encoded, goesOn: encoded.endsWith(softBreak), endsWithCarriageReturn: clean.endsWith("\r") };
}

export function textOf(pieces: readonly TextPiece[]): string {
  let text = "";
  for (const piece of pieces) text += piece.text;
  return text;
}

/** A text, as it may stand in a message, in quoted-printable. */
export function encodeText(text: string): string {
  return encodeQuotedPrintable(withoutControls(text));
}

/** The same of a text in pieces: it has other line breaks, and reads as the same text. */
export function encodePieces(pieces: readonly TextPiece[]): string {
  const last = pieces.findLastIndex((piece) => piece.encoded().text !== "");
  let encoded = "";
  for (const [index, piece] of pieces.entries()) {
    const { text, goesOn, endsWithCarriageReturn } = piece.encoded();
    // With an LF at the beginning of the next piece it is one line end, which pieces for themselves would make two.
    if (endsWithCarriageReturn && index < pieces.length - 1) return encodeText(textOf(pieces));
    // Cut from the piece: cutting the whole would copy it.
    encoded += index === last && goesOn ? text.slice(0, -softBreak.length) : text;
  }
  return encoded;
}

// A NUL may not stand in a message (RFC 5322 section 2.3); some servers refuse it, some read a line end.
function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "");
}
