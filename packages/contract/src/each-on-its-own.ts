import { z } from "zod";

/** Stands in a list for an item that is not what the list takes. */
export class UnreadableItem {
  readonly error: z.ZodError;
  readonly input: unknown;

  constructor(error: z.ZodError, input: unknown) {
    this.error = error;
    this.input = input;
  }
}

/**
 * An item of a list in which each is answered on its own: one that is wrong does not make the whole request wrong. To the
 * outside it is described as any other.
 */
export function eachOnItsOwn<S extends z.ZodType>(item: S): z.ZodType<z.output<S> | UnreadableItem, z.input<S>> {
  return item.catch(({ error, input }) => new UnreadableItem(new z.ZodError(error.issues), input) as never) as never;
}
