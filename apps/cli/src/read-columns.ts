import { UserError } from "./user-error.ts";

/**
 * Reads `--map email=E-Mail --map attributes.plan=3` as the API's `columns`; null if there is none, which is for the usual
 * names. A whole number is the number of a column.
 * @throws UserError
 */
export function readColumns(mappings: readonly string[]): Record<string, unknown> | null {
  if (mappings.length === 0) return null;
  const columns: Record<string, unknown> = {};
  const attributes: Record<string, unknown> = {};
  for (const mapping of mappings) {
    const [, target, source] = /^([^=]+)=(.+)$/s.exec(mapping) ?? [];
    if (target === undefined || source === undefined) {
      throw new UserError(`--map ${JSON.stringify(mapping)}: write field=column, such as email="E-Mail" or email=3.`);
    }
    const column = /^\d+$/.test(source) ? Number(source) : source;
    if (target.startsWith("attributes.")) attributes[target.slice("attributes.".length)] = column;
    else columns[target] = column;
  }
  return { ...columns, attributes };
}
