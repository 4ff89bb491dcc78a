export interface Progress {
  readonly done: number;
  /** Of the start; what came on top since makes it as many as are done. */
  readonly total: number;
}

export interface ProgressOutput {
  readonly isTerminal: boolean;
  write(text: string): void;
}

/**
 * Shows how far something has come: on a terminal a bar that is written over, elsewhere a line for each tenth, so that
 * a log stays readable.
 */
export function showProgress({ isTerminal, write }: ProgressOutput): {
  show(progress: Progress): void;
  /** Leaves the cursor at the beginning of a line. */
  end(): void;
} {
  let tenthsShown = 0;
  let isOpen = false;
  return {
    show(progress) {
      if (isTerminal) {
        write(`\r${bar(progress)} ${describe(progress)}\u001B[K`);
        isOpen = true;
        return;
      }
      const tenths = Math.floor(percentOf(progress) / 10);
      if (tenths === tenthsShown) return;
      tenthsShown = tenths;
      write(`${describe(progress)}\n`);
    },
    end() {
      if (isOpen) write("\n");
      isOpen = false;
    },
  };
}

function describe(progress: Progress): string {
  const { done, total } = progress;
  return `${String(percentOf(progress)).padStart(3)} %  ${grouped(done)} of ${grouped(Math.max(total, done))}`;
}

const barWidth = 24;

function bar(progress: Progress): string {
  const filled = Math.floor((percentOf(progress) * barWidth) / 100);
  return `${"█".repeat(filled)}${"░".repeat(barWidth - filled)}`;
}

function percentOf({ done, total }: Progress): number {
  return total === 0 ? 100 : Math.min(100, Math.floor((done * 100) / total));
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
