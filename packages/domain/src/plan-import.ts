import type { ImportOptions } from "./import-options.ts";

/** What one row of a file says about a contact; undefined: nothing. */
export interface ImportedContact {
  readonly email: string;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  readonly company?: string | undefined;
  readonly timezone?: string | undefined;
  readonly country?: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A contact as it is, or as it is to become. */
export interface ContactState {
  readonly id: string;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly companyName: string | null;
  readonly timezone: string | null;
  readonly country: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface RowOutcome {
  /** `skipped`: nothing was changed because of this row. */
  readonly kind: "created" | "updated" | "skipped";
  /** Who is to be enrolled because of it; null: nobody. */
  readonly contactId: string | null;
}

export interface ImportPlan {
  /** One per row, in their order. */
  readonly outcomes: readonly RowOutcome[];
  readonly creates: readonly ContactState[];
  /** As they are after the last row; only those that change. */
  readonly updates: readonly ContactState[];
}

/**
 * What becomes of some rows, as if each were done before the next is looked at: an address that stands in them twice is
 * new for the first of them and known to the second.
 */
export function planImport(
  rows: readonly ImportedContact[],
  known: readonly ContactState[],
  options: Pick<ImportOptions, "on_match" | "on_new">,
  newId: () => string,
): ImportPlan {
  const states = new Map(known.map((contact) => [addressOf(contact), contact]));
  const isKnown = new Set(known.map(({ id }) => id));
  const changed = new Set<string>();
  const outcomes = rows.map((row): RowOutcome => {
    const before = states.get(addressOf(row));
    if (before === undefined) {
      if (options.on_new === "skip") return { kind: "skipped", contactId: null };
      const created = merge({ ...nobody, id: newId(), email: row.email }, row);
      states.set(addressOf(row), created);
      return { kind: "created", contactId: created.id };
    }
    if (options.on_match === "skip") return { kind: "skipped", contactId: null };
    const after = options.on_match === "update" ? merge(before, row) : before;
    if (isSame(before, after)) return { kind: "skipped", contactId: before.id };
    states.set(addressOf(row), after);
    changed.add(after.id);
    return { kind: "updated", contactId: after.id };
  });
  const all = [...states.values()];
  return {
    outcomes,
    creates: all.filter(({ id }) => !isKnown.has(id)),
    updates: all.filter(({ id }) => isKnown.has(id) && changed.has(id)),
  };
}

const nobody = { firstName: "", lastName: "", companyName: null, timezone: null, country: null, attributes: {} };

/** The address itself stays as it was written first. */
function merge(contact: ContactState, row: ImportedContact): ContactState {
  const { company, email: _, attributes, ...said } = row;
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  return {
    ...contact,
    ...given,
    companyName: company ?? contact.companyName,
    attributes: { ...contact.attributes, ...attributes },
  };
}

function isSame(one: ContactState, other: ContactState): boolean {
  const names = ["firstName", "lastName", "timezone", "country"] as const;
  return (
    one === other ||
    (names.every((name) => one[name] === other[name]) &&
      one.companyName?.toLowerCase() === other.companyName?.toLowerCase() &&
      Object.entries(other.attributes).every(([name, value]) => one.attributes[name] === value))
  );
}

function addressOf({ email }: { readonly email: string }): string {
  return email.toLowerCase();
}
