import type { Queryable } from "@dripline/db/database";
import { abandonUpload, appendChunk, beginUpload, type Upload } from "@dripline/db/receive-import-file";

export type StoredFile =
  /** To be finished by `finishUpload`. */
  | { readonly kind: "stored"; readonly upload: Upload; readonly bytes: number }
  /** The import is not `uploading`, or another upload is at it. */
  | { readonly kind: "not_open" };

/** A statement with that much takes milliseconds, and a hundred uploads at once need 25 MB. */
const chunkBytes = 256 * 1_024;

/**
 * Stores an import's file as it comes, in pieces of 256 KB; what was stored of it before is gone. Each piece is a statement
 * of its own, so nothing waits in a transaction for somebody's slow line.
 */
export async function storeImportFile(
  db: Queryable,
  importId: string,
  file: AsyncIterable<Uint8Array>,
): Promise<StoredFile> {
  let upload = await beginUpload(db, importId);
  let [number, bytes] = [0, 0];
  try {
    for await (const chunk of inChunks(file)) {
      if (upload === undefined) break;
      const next: Upload | undefined = await appendChunk(db, upload, number, chunk);
      upload = next;
      number += 1;
      bytes += chunk.length;
    }
  } catch (error) {
    if (upload !== undefined) await abandonUpload(db, upload).catch(() => {}); // its lease ends by itself
    throw error;
  }
  return upload === undefined ? { kind: "not_open" } : { kind: "stored", upload, bytes };
}

async function* inChunks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    held.push(piece);
    bytes += piece.length;
    if (bytes < chunkBytes) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}
