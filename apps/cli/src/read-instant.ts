import { UserError } from "./user-error.ts";

/**
 * The moment that was typed for an option.
 * @throws UserError when it is none, or has no offset
 */
export function readInstant(option: string, text: string): Date {
  const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const at = new Date(isInstant ? text : Number.NaN);
  if (!Number.isNaN(at.getTime())) return at;
  throw new UserError(
    `${option} ${JSON.stringify(text)} is no moment: write one such as 2026-11-23T09:00:00Z or 2026-11-23T16:00+07:00.`,
  );
}
