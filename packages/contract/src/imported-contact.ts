import type { ImportedContact } from "@dripline/domain/plan-import";
import { ContactInput } from "./contacts.ts";
import { line } from "./fields.ts";

const ImportedRow = ContactInput.pick({
  email: true,
  first_name: true,
  last_name: true,
  timezone: true,
  country: true,
  attributes: true,
})
  .extend({ company: line(200) })
  .partial({ first_name: true, last_name: true, timezone: true, country: true, company: true });

export type ReadRow =
  | { readonly kind: "contact"; readonly contact: ImportedContact }
  /** `code` is stable, such as `invalid_email`; `message` a sentence. */
  | { readonly kind: "invalid"; readonly code: string; readonly message: string };

/** Checks what a row says as the API checks a contact. `values` are by target, attributes as `attributes.<name>`. */
export function readImportedContact(values: ReadonlyMap<string, string>): ReadRow {
  const given = [...values].filter(([, value]) => value !== "");
  const isAttribute = ([target]: readonly [string, string]) => target.startsWith("attributes.");
  const own = Object.fromEntries(given.filter((each) => !isAttribute(each)));
  const attributes = Object.fromEntries(
    given.filter(isAttribute).map(([target, value]) => [target.slice("attributes.".length), value]),
  );
  if (own.email === undefined) return { kind: "invalid", code: "missing_email", message: "The row has no email." };
  const country = own.country?.toUpperCase();
  const read = ImportedRow.safeParse({ ...own, ...(country === undefined ? {} : { country }), attributes });
  if (!read.success) {
    const [issue] = read.error.issues;
    const target = String(issue?.path[0] ?? "row");
    const value = own[target];
    const shown = value === undefined ? "" : ` ${JSON.stringify(value.slice(0, 100))}`;
    return { kind: "invalid", code: `invalid_${target}`, message: `${target}${shown}: ${issue?.message}.` };
  }
  const { email, company, timezone } = read.data;
  return {
    kind: "contact",
    contact: {
      email,
      firstName: own.first_name,
      lastName: own.last_name,
      company,
      timezone: timezone ?? undefined,
      country,
      attributes,
    },
  };
}
