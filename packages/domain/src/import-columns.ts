import type { ColumnSource, ImportColumns, ImportOptions } from "./import-options.ts";

/** A part of a contact that a file can say something about; attributes as `attributes.<name>`. */
type Target = string;

export type FoundColumns =
  | { readonly kind: "found"; readonly places: ReadonlyMap<Target, number> }
  /** A sentence about the file. */
  | { readonly kind: "not_found"; readonly message: string };

/** What the usual exports call them, spelled as `normal` does. */
const usualNames: Readonly<Record<string, readonly string[]>> = {
  email: ["email", "e_mail", "mail", "email_address", "e_mail_address"],
  first_name: ["first_name", "firstname", "given_name"],
  last_name: ["last_name", "lastname", "surname", "family_name"],
  company: ["company", "company_name", "organization", "organisation"],
  timezone: ["timezone", "time_zone"],
  country: ["country", "country_code"],
};

/**
 * Where in a row each part of a contact stands, from 0. `columns` are the file's own names, of which the first counts if
 * two are the same; without a header they say how many there are.
 */
export function findImportColumns(options: Pick<ImportOptions, "columns">, columns: readonly string[]): FoundColumns {
  const names = columns.map(normal);
  if (options.columns === null) return usualColumns(columns, names);
  const places = new Map<Target, number>();
  for (const [target, source] of sourcesOf(options.columns)) {
    const place = placeOf(source, columns, names);
    if (place === undefined) return notFound(`there is no column ${JSON.stringify(source)} for ${target}`, columns);
    places.set(target, place);
  }
  return { kind: "found", places };
}

function sourcesOf({ attributes, ...rest }: ImportColumns): (readonly [Target, ColumnSource])[] {
  const own = Object.entries(attributes).map(([name, source]) => [`attributes.${name}`, source] as const);
  return [
    ...Object.entries(rest).flatMap(([target, source]) => (source === undefined ? [] : [[target, source] as const])),
    ...own,
  ];
}

function placeOf(source: ColumnSource, columns: readonly string[], names: readonly string[]): number | undefined {
  if (typeof source === "number") return source <= columns.length ? source - 1 : undefined;
  const exact = columns.findIndex((name) => name.trim() === source.trim());
  const place = exact === -1 ? names.indexOf(normal(source)) : exact;
  return place === -1 ? undefined : place;
}

function usualColumns(columns: readonly string[], names: readonly string[]): FoundColumns {
  const places = new Map<Target, number>();
  for (const [target, usual] of Object.entries(usualNames)) {
    const place = names.findIndex((name) => usual.includes(name));
    if (place !== -1) places.set(target, place);
  }
  for (const [place, name] of columns.entries()) {
    const attribute = /^attributes\.([A-Za-z_][A-Za-z0-9_]{0,62})$/.exec(name.trim());
    if (attribute !== null && !places.has(name.trim())) places.set(name.trim(), place);
  }
  if (places.has("email")) return { kind: "found", places };
  return notFound("none of its columns is called email; say in `columns` which one it is", columns);
}

function notFound(what: string, columns: readonly string[]): FoundColumns {
  const names = columns.map((name, index) => `${index + 1} ${JSON.stringify(name.slice(0, 40))}`).join(", ");
  return { kind: "not_found", message: `The file does not fit: ${what}. It has: ${names.slice(0, 500)}.` };
}

function normal(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, "_");
}
