import type { ExecutionFacts } from "@dripline/db/load-facts";

/** Whose email it is, as far as its text is concerned. */
export interface EmailFacts {
  readonly contact: Pick<
    ExecutionFacts["contact"],
    "email" | "firstName" | "lastName" | "timezone" | "country" | "attributes"
  >;
  readonly company: Pick<NonNullable<ExecutionFacts["company"]>, "name" | "country" | "attributes"> | null;
  readonly sequence: Pick<ExecutionFacts["sequence"], "name">;
}

export type EmailVariables = Readonly<Record<string, unknown>> & { readonly unsubscribe_url: string };

/**
 * What a template may use: `contact`, `company`, `sequence`, `unsubscribe_url`. A field without a value is left out, so
 * that `{{ contact.first_name }}` of a contact without one is a missing variable and not "Dear ,"; `| default: "there"`
 * says what to write instead.
 */
export function emailVariables(facts: EmailFacts, unsubscribeUrl: string): EmailVariables {
  const { contact, company, sequence } = facts;
  return {
    contact: withoutBlanks({
      email: contact.email,
      first_name: contact.firstName,
      last_name: contact.lastName,
      name: `${contact.firstName} ${contact.lastName}`.trim(),
      timezone: contact.timezone,
      country: contact.country,
      attributes: contact.attributes,
    }),
    company:
      company === null
        ? {}
        : withoutBlanks({ name: company.name, country: company.country, attributes: company.attributes }),
    sequence: { name: sequence.name },
    unsubscribe_url: unsubscribeUrl,
  };
}

function withoutBlanks(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== ""));
}
