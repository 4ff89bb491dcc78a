import { z } from "zod";
import type { OperationDefinition } from "./operation.ts";
import { type ProblemCode, problemCodes, problemType } from "./problem.ts";

type Json = Record<string, unknown>;

/** A body that this operation takes, from what its schema gives as an example; undefined if it gives none. */
export function exampleBody({ body }: OperationDefinition): unknown {
  return body === undefined ? undefined : (body.meta()?.examples as readonly unknown[] | undefined)?.[0];
}

/** An answer of this operation, the same one every time: made from its schema, with values that fit names and formats. */
export function exampleAnswer({ output }: OperationDefinition): unknown {
  const schema = z.toJSONSchema(output, { io: "input", unrepresentable: "any" }) as Json;
  return exampleOf(schema, "", (schema.$defs as Record<string, Json> | undefined) ?? {});
}

/** A refusal with this code. */
export function exampleProblem(code: ProblemCode): Json {
  const { status, title, meaning } = problemCodes[code];
  return {
    type: problemType(code),
    title,
    status,
    detail: meaning,
    code,
    request_id: "019a0000-0000-7000-8000-0000000000ff",
  };
}

function exampleOf(schema: Json, name: string, definitions: Record<string, Json>): unknown {
  const again = (inner: unknown, of = name) => exampleOf((inner ?? {}) as Json, of, definitions);
  if (typeof schema.$ref === "string") return again(definitions[schema.$ref.replace("#/$defs/", "")]);
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.examples)) return schema.examples[0];
  if (Array.isArray(schema.enum)) return schema.enum.includes("scheduled") ? "scheduled" : schema.enum[0];
  if (Array.isArray(schema.type)) {
    const type = schema.type.find((each) => each !== "null");
    return schema.type.includes("null") && isUsuallyEmpty(name) ? null : again({ ...schema, type });
  }
  const choices = (schema.anyOf ?? schema.oneOf) as Json[] | undefined;
  if (choices !== undefined) {
    const isNullable = choices.some(({ type }) => type === "null");
    return again(isNullable && isUsuallyEmpty(name) ? { const: null } : choices.find(({ type }) => type !== "null"));
  }
  switch (schema.type) {
    case "object": {
      const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>);
      const isAsked = (key: string) => ((schema.required ?? []) as string[]).includes(key);
      if (properties.length === 0) return { plan: "pro" };
      return Object.fromEntries(
        properties.filter(([key]) => isAsked(key)).map(([key, inner]) => [key, again(inner, key)]),
      );
    }
    case "array":
      return usuallyEmptyLists.has(name) ? [] : [again(schema.items, singular(name))];
    case "string":
      return exampleText(schema, name);
    case "integer":
    case "number":
      return numbers[name] ?? Math.max(1, Number(schema.minimum ?? 1));
    case "boolean":
      return trueNames.has(name);
    default:
      return null; // any JSON
  }
}

/** What has a value only after something went wrong, came to its end or is waited for. */
function isUsuallyEmpty(name: string): boolean {
  return /^(next|previous|end_reason|hold_reason|error_|enhanced_code|smtp_code|opted_out_at|sent_at|email_log$|completed_at|ended_at|paused_at|resume_at|revoked_at|expires_at|deactivated_at|obstacle|problem$|backoff|lease)/.test(
    name,
  );
}

const usuallyEmptyLists = new Set(["errors", "passed_over", "shifts", "closed_dates", "special_hours"]);
const trueNames = new Set(["is_active", "is_current", "is_open", "passed"]);
const numbers: Readonly<Record<string, number>> = { total_steps: 3, delay_days: 3, spread_minutes: 15 };

const texts: Readonly<Record<string, string>> = {
  name: "New Customer Onboarding",
  sequence_name: "New Customer Onboarding",
  company_name: "Acme Ltd",
  contact_name: "Ann Lee",
  first_name: "Ann",
  last_name: "Lee",
  created_by_name: "Eve Park",
  step_name: "Welcome Email",
  email_template_name: "Welcome",
  description: "Three emails in the first month",
  subject: "Welcome, {{ contact.first_name }}",
  mjml: "<mjml><mj-body><mj-section><mj-column><mj-text>Hello</mj-text></mj-column></mj-section></mj-body></mjml>",
  html: "<p>Hello</p>",
  text: "Hello",
  variable: "contact.first_name",
  progress: "1/3 (33.3%)",
  timezone: "Asia/Bangkok",
  zone: "Asia/Bangkok",
  country: "TH",
  region: "BY",
  message_id: "<019a0000-0000-7000-8000-0000000000aa@example.com>",
  response: "250 2.0.0 OK",
  prefix: "dk_7Qf2",
  key: "dk_7Qf2…",
  notes: "",
  note: "",
  reason: "outside_window",
  end_reason: "replied",
  actor: "worker",
  principal: "api_key:019a0000-0000-7000-8000-0000000000bb",
  action: "enroll",
  object_type: "sequence-enrollments",
  object_id: "019a0000-0000-7000-8000-0000000000cc",
  code: "invalid_email",
  day: "2027-01-04",
  date: "2027-01-04",
  start: "09:00",
  end: "17:00",
  local_time: "2027-01-04T09:00:00",
  message: "Outside the schedule's windows; it goes out when the next one opens.",
  sentence: "The schedule's window is open.",
  summary: "It goes out on Monday, 4 January 2027, at 09:00 (Asia/Bangkok).",
};

function exampleText({ format, minLength }: Json, name: string): string {
  if (format === "uuid") return idOf(name);
  if (format === "date-time") return momentOf(name);
  if (format === "email" || /(^|_)(email|address|to|from)$/.test(name)) return "ann@example.com";
  const value = texts[name] ?? (/(^|_)name$/.test(name) ? (texts.name ?? "") : name.replaceAll("_", " "));
  return value === "" && Number(minLength ?? 0) > 0 ? "…" : value;
}

/** One id for each thing, wherever it is named: the sequence of an enrollment is the sequence of its executions. */
function idOf(name: string): string {
  const things = [
    "id",
    "sequence",
    "contact",
    "company",
    "enrollment",
    "execution",
    "step",
    "email_template",
    "schedule",
  ];
  const known = things.indexOf(name) + 1;
  return `019a0000-0000-7000-8000-${String(known === 0 ? 99 : known).padStart(12, "0")}`;
}

function momentOf(name: string): string {
  if (/^(created|enrolled|started|since|counts_from|published)/.test(name)) return "2027-01-01T02:00:00.000Z";
  return /^(updated|sent|at|last)/.test(name) ? "2027-01-01T02:00:05.000Z" : "2027-01-04T02:00:00.000Z";
}

function singular(name: string): string {
  return name.replace(/ies$/, "y").replace(/s$/, "");
}
