import { writeSync } from "node:fs";
import type { DestinationStream } from "pino";

// Some thousand lines: what a busy process says in a few minutes.
const keptBytesMax = 1_048_576;
// Long enough not to turn in circles, short enough that emails hardly wait for a slow reader of the log.
const busyMilliseconds = 10;

/**
 * Writes to a file descriptor at once, and outlives what keeps it from writing: a full disk must not end a process that
 * sends emails. Lines wait for room, up to a megabyte of them; what comes after that is lost, and counted when there is room
 * again. (pino's own destination ends the process, or waits without end when it is told to write what it has.)
 */
export function lastingOutput(fd: number): DestinationStream {
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let lostLines = 0;

  const wait = (text: string): void => {
    const chunk = Buffer.from(text);
    waiting.push(chunk);
    waitingBytes += chunk.length;
  };
  /** Whether nothing waits any more. */
  const writeWaiting = (): boolean => {
    for (let [chunk] = waiting; chunk !== undefined; [chunk] = waiting) {
      const written = writeSome(fd, chunk);
      if (written === undefined) return false;
      waitingBytes -= written;
      if (written === chunk.length) waiting.shift();
      else waiting[0] = chunk.subarray(written);
    }
    return true;
  };

  return {
    write(text) {
      const hasRoom = writeWaiting();
      if (!hasRoom && waitingBytes + Buffer.byteLength(text) > keptBytesMax) {
        lostLines += text.split("\n").length - 1;
        return;
      }
      if (lostLines > 0) {
        wait(`${JSON.stringify({ level: "warn", msg: `${lostLines} lines could not be written` })}\n`);
        lostLines = 0;
      }
      wait(text);
      if (hasRoom) writeWaiting();
    },
  };
}

/** How many bytes were taken; undefined if none can be now. */
function writeSome(fd: number, chunk: Buffer): number | undefined {
  for (;;) {
    try {
      return writeSync(fd, chunk);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A pipe whose reader is slower than we are: wait for it.
      if (code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, busyMilliseconds);
      // A pipe that nobody reads any more: nobody will.
      else if (code === "EPIPE") return chunk.length;
      else return undefined;
    }
  }
}
