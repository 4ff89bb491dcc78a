import { z } from "zod";

const columnName = z.string().min(1, "must not be empty").max(200, "is longer than 200 characters");
const ColumnSource = z
  .union([columnName, z.int().min(1, "counts from 1")], "is the name of a column, or its number from 1")
  .describe("The name of a column, in any letter case, or its number from 1");
export type ColumnSource = z.output<typeof ColumnSource>;

// As templates can name it: {{ contact.attributes.plan }}.
const AttributeName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, "is not a name of letters, digits and underscores such as plan_name");

/** Which column of a file is what of a contact. */
export const ImportColumns = z
  .strictObject({
    email: ColumnSource,
    first_name: ColumnSource.optional(),
    last_name: ColumnSource.optional(),
    company: ColumnSource.optional().describe("The name of a company; made if there is none of this name"),
    timezone: ColumnSource.optional(),
    country: ColumnSource.optional(),
    attributes: z.record(AttributeName, ColumnSource).default({}),
  })
  .meta({ id: "ImportColumns" });
export type ImportColumns = z.output<typeof ImportColumns>;

export const importEncodings = ["utf-8", "utf-16le", "utf-16be", "windows-1252"] as const;
export type ImportEncoding = (typeof importEncodings)[number];

/** What becomes of a file of contacts. */
export const ImportOptions = z.strictObject({
  columns: ImportColumns.nullable()
    .default(null)
    .describe("null: those of the usual names (email, first name, company, …) and `attributes.<name>`"),
  has_header: z.boolean().default(true).describe("Whether the first row names the columns"),
  match_by: z.enum(["email"]).default("email").describe("What says that a contact is there already"),
  on_match: z
    .enum(["update", "keep", "skip"])
    .default("keep")
    .describe(
      "Of a contact that is there already: `update` writes what the row says (an empty field changes nothing), `keep` leaves it as it is and enrolls it, `skip` passes the row over",
    ),
  on_new: z.enum(["create", "skip"]).default("create").describe("Of an address that nobody has yet"),
  enroll_in: z.uuid("is not a UUID").nullable().default(null).describe("The sequence that everybody is enrolled in"),
  dry_run: z.boolean().default(false).describe("Counts and lists the failures, and writes nothing else"),
  delimiter: z
    .enum(["auto", ",", ";", "\t", "|"])
    .default("auto")
    .describe("`auto`: whichever of comma, semicolon and tab the first row has most often"),
  encoding: z
    .enum(["auto", ...importEncodings])
    .default("auto")
    .describe("`auto`: what its byte order mark says, else UTF-8 if it is that, else Windows-1252"),
});
export type ImportOptions = z.output<typeof ImportOptions>;
