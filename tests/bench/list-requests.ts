import type { OperationDefinition } from "@dripline/contract/operation";
import { operations } from "@dripline/contract/operations";
import type { Queryable } from "@dripline/db/database";
import { z } from "zod";

export interface ListRequest {
  readonly operation: string;
  /** What is asked for, without the values of ids. */
  readonly title: string;
  readonly address: string;
}

const ownParameters = ["ordering", "page_size", "include_count", "cursor"];

/**
 * For every list of the contract: no filter, and each value of each filter, in each ordering that it may have.
 * @throws when a list has a filter, or a path a parameter, for which there is no value here
 */
export async function listRequests(db: Queryable): Promise<ListRequest[]> {
  const samples = await readSamples(db);
  return operations
    .filter(({ query }) => query?.shape.cursor !== undefined)
    .flatMap((operation) => requestsOf(operation, samples));
}

type Samples = Readonly<Record<string, readonly [title: string, value: string][]>>;

function requestsOf(operation: OperationDefinition, samples: Samples): ListRequest[] {
  const shape = operation.query?.shape ?? {};
  const orderings = choices(shape.ordering) ?? [];
  const filters = Object.keys(shape).filter((name) => !ownParameters.includes(name));
  const cases: [title: string, parameters: Record<string, string>][] = [
    ["", {}],
    ...filters.flatMap((name) =>
      valuesOf(operation, name, samples).map(([title, value]): [string, Record<string, string>] => [
        `${name}=${title}`,
        { [name]: value },
      ]),
    ),
  ];
  const path = operation.path.replaceAll(/\/([a-z-]+)\/\{id\}/g, (_, collection: string) => {
    const [sample] = samples[`/${collection}/{id}`] ?? [];
    if (sample === undefined) throw new Error(`${operation.id}: list-requests.ts has no id for its path.`);
    return `/${collection}/${sample[1]}`;
  });
  return orderings.flatMap((ordering) =>
    cases
      .filter(([, parameters]) => operation.query?.safeParse({ ...parameters, ordering }).success)
      .map(([title, parameters]) => ({
        operation: operation.id,
        title: [title, `ordering=${ordering}`].filter((part) => part !== "").join(" "),
        address: `${path}?${new URLSearchParams({ ...parameters, ordering })}`,
      })),
  );
}

function valuesOf(operation: OperationDefinition, name: string, samples: Samples): readonly [string, string][] {
  const all = choices(operation.query?.shape[name] as z.ZodType | undefined);
  if (all !== undefined) return all.map((value) => [value, value]);
  const found = samples[`${operation.id}.${name}`] ?? samples[name] ?? samples[name.replace(/^.*__/, "__")];
  if (found === undefined) throw new Error(`${operation.id}: list-requests.ts has no value for its filter ${name}.`);
  return found;
}

/** The values of an enumeration or a yes-or-no. */
function choices(schema: unknown): string[] | undefined {
  const json = z.toJSONSchema(schema as z.ZodType, { io: "input", unrepresentable: "any" });
  if (Array.isArray(json.enum)) return json.enum.map(String);
  if (schema instanceof z.ZodOptional && schema.unwrap() instanceof z.ZodPipe && isBoolean(schema)) {
    return ["true", "false"];
  }
  return undefined;
}

function isBoolean(schema: z.ZodType): boolean {
  return schema.safeParse("true").data === true;
}

async function readSamples(db: Queryable): Promise<Samples> {
  const one = async (text: string) => String((await db.query(text)).rows[0]?.value ?? "");
  const sequenceAt = (place: number) =>
    one(`select id as value from (
           select s.id, count(n.id) as size from email_sequence s left join sequence_enrollment n on n.sequence_id = s.id
           group by s.id order by size desc) ranked offset ${place} limit 1`);
  const [large, middle, small] = [await sequenceAt(0), await sequenceAt(20), await sequenceAt(490)];
  const old = await one("select id as value from email_sequence order by id offset 1 limit 1");
  const stepOf = (sequence: string) =>
    one(`select st.id as value from sequence_step st join sequence_version v on v.id = st.version_id
         where v.sequence_id = '${sequence}' and st.step_number = 1`);
  const contact = await one("select contact_id as value from sequence_enrollment order by id desc limit 1");
  const recent = await one("select (now() - interval '3 days')::text as value").then((text) => new Date(text));
  const older = new Date(recent.getTime() - 200 * 86_400_000);
  const email = await one(`select email as value from contact where id = '${contact}'`);
  return {
    sequence: [
      ["<half of all>", large],
      ["<1 in 200>", middle],
      ["<a few>", small],
      ["<all long ago>", old],
    ],
    step: [
      ["<half of all>", await stepOf(large)],
      ["<all long ago>", await stepOf(old)],
      ["<a few>", await stepOf(small)],
    ],
    contact: [["<id>", contact]],
    company: [["<id>", await one("select company_id as value from sequence_enrollment order by id desc limit 1")]],
    enrollment: [["<id>", await one("select id as value from sequence_enrollment order by id limit 1")]],
    execution: [["<id>", await one("select execution_id as value from email_log order by id limit 1")]],
    name: [["<name>", await one("select name as value from company order by id limit 1")]],
    country: [["TH", "TH"]],
    email: [["<address>", email]],
    to_address: [["<address>", await one("select to_address as value from email_log order by id limit 1")]],
    message_id: [["<id>", await one("select message_id as value from email_log order by id limit 1")]],
    principal: [["<key>", await one("select principal as value from audit_log order by id limit 1")]],
    action: [
      ["enroll", "enroll"],
      ["<none>", "nothing"],
    ],
    object_type: [["contacts", "contacts"]],
    object_id: [["<id>", await one("select object_id as value from audit_log order by id limit 1")]],
    version: [["1", "1"]],
    user: [["<id>", await one(`select id as value from "user" limit 1`)]],
    created_by: [["<id>", await one(`select id as value from "user" limit 1`)]],
    email_template: [["<id>", await one("select template_id as value from sequence_step limit 1")]],
    schedule: [["<id>", await one("select schedule_id as value from email_sequence limit 1")]],
    __gte: [["<3 days ago>", recent.toISOString()]],
    __gt: [["<200 days ago>", older.toISOString()]],
    __lte: [["<200 days ago>", older.toISOString()]],
    __lt: [["<3 days ago>", recent.toISOString()]],
    search: [
      ["<in all>", "e"],
      ["<in a third>", "mail.example"],
      ["<in 1 of 100>", "abc"],
      ["<one>", email.slice(3, 20)],
      ["<none>", "no such words"],
    ],
    "/email-sequences/{id}": [["<id>", large]],
    "/email-templates/{id}": [["<id>", await one("select id as value from email_template limit 1")]],
  };
}
