import { z } from "zod";

export const Revision = z.int().describe("Goes up with every edit; the number in the ETag, for `If-Match`");
