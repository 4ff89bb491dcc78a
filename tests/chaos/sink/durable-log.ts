import { type FileHandle, open } from "node:fs/promises";

/** A file of JSON lines; what was appended is on the disk. */
export interface DurableLog {
  /** Resolves when the line would survive a power cut. Lines that come together share one flush. */
  append(entry: object): Promise<void>;
}

export async function openDurableLog(path: string): Promise<DurableLog> {
  const file = await open(path, "a");
  let waiting: { line: string; done: () => void; failed: (error: unknown) => void }[] = [];
  let isWriting = false;

  async function write(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await flush(file, batch.map(({ line }) => line).join(""));
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    isWriting = false;
  }

  return {
    append: (entry) =>
      new Promise((done, failed) => {
        waiting.push({ line: `${JSON.stringify(entry)}\n`, done, failed });
        if (!isWriting) void write();
      }),
  };
}

async function flush(file: FileHandle, lines: string): Promise<void> {
  await file.appendFile(lines);
  await file.datasync();
}
