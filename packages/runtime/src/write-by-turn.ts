import type { DestinationStream } from "pino";

/**
 * Writes the lines of one turn of the event loop together, at its end: a worker at full speed has one for each email, and a
 * write of its own for each costs more than making the line. A process that ends by itself writes what it has; one that is killed
 * loses the lines of its last turn.
 *
 * @param onExit hears of a function to call before the process ends: `(flush) => process.once("exit", flush)`
 */
export function writeByTurn(destination: DestinationStream, onExit: (flush: () => void) => void): DestinationStream {
  let lines = "";
  const flush = (): void => {
    const text = lines;
    lines = "";
    if (text !== "") destination.write(text);
  };
  onExit(flush);
  return {
    write(line) {
      if (lines === "") setImmediate(flush);
      lines += line;
    },
  };
}
