import { operations } from "@dripline/contract/operations";
import { describe, expect, expectTypeOf, test } from "vitest";
import { createClient } from "./create-client.ts";

const dripline = createClient({ url: "http://127.0.0.1:1" });

test("there is a method for every operation, and no other", () => {
  expect(Object.keys(dripline)).toEqual(operations.map(({ id }) => id));
});

test("every list, and nothing else, can be walked through", () => {
  for (const { id, query } of operations) {
    expect("all" in dripline[id as keyof typeof dripline]).toBe(query?.shape.cursor !== undefined);
  }
});

// What follows is checked by the compiler, in `npm run check`; nothing of it is called.
describe("the types of a call are those of the contract", () => {
  test("a body is what the contract takes, with what has a default left out", () => {
    type Body = NonNullable<Parameters<typeof dripline.createContact>[0]>["body"];
    expectTypeOf<{ email: string }>().toExtend<Body>();
    expectTypeOf<Body>().toHaveProperty("first_name").toEqualTypeOf<string | undefined>();
    expectTypeOf<{ email: number }>().not.toExtend<Body>();
    expectTypeOf<{ first_name: string }>().not.toExtend<Body>();
  });

  test("an answer is what the contract gives, an instant as text", () => {
    type Contact = Awaited<ReturnType<typeof dripline.createContact>>;
    expectTypeOf<Contact["email"]>().toEqualTypeOf<string>();
    expectTypeOf<Contact["company"]>().toEqualTypeOf<string | null>();
    expectTypeOf<Contact["opted_out_at"]>().toEqualTypeOf<string | null>();
    type Enrollment = Awaited<ReturnType<typeof dripline.enroll>>;
    expectTypeOf<Enrollment["status"]>().toEqualTypeOf<
      "active" | "paused" | "completed" | "unsubscribed" | "cancelled"
    >();
  });

  test("params are asked for where the path has some, and nowhere else", () => {
    expectTypeOf(dripline.getContact).parameter(0).toExtend<{ readonly params: { id: string } }>();
    expectTypeOf<Parameters<typeof dripline.getMe>[0]>().toExtend<{ readonly params?: never } | undefined>();
    expectTypeOf<[]>().toExtend<Parameters<typeof dripline.getMe>>();
    expectTypeOf<[]>().not.toExtend<Parameters<typeof dripline.getContact>>();
    expectTypeOf<[]>().not.toExtend<Parameters<typeof dripline.createContact>>();
  });

  test("a query takes the values that a parameter stands for, and no parameter of another list", () => {
    type Query = NonNullable<NonNullable<Parameters<typeof dripline.listContacts>[0]>["query"]>;
    expectTypeOf<{ page_size: 50; include_count: true; ordering: "-email" }>().toExtend<Query>();
    expectTypeOf<{ ordering: "-first_name" }>().not.toExtend<Query>();
    expectTypeOf<"status">().not.toExtend<keyof Query>();
  });

  test("only what edits something with a revision takes ifMatch, and only a POST that writes an idempotencyKey", () => {
    type Update = Parameters<typeof dripline.updateEmailSequence>[0];
    expectTypeOf<Update>().toHaveProperty("ifMatch").toEqualTypeOf<number | undefined>();
    expectTypeOf<Update>().not.toHaveProperty("idempotencyKey");
    type Create = Parameters<typeof dripline.createContact>[0];
    expectTypeOf<Create>().toHaveProperty("idempotencyKey").toEqualTypeOf<string | undefined>();
    expectTypeOf<Create>().not.toHaveProperty("ifMatch");
    expectTypeOf<Parameters<typeof dripline.planSends>[0]>().not.toHaveProperty("idempotencyKey");
  });

  test("the rows of a list are those of its pages", () => {
    type Page = Awaited<ReturnType<typeof dripline.listContacts>>;
    type Rows = ReturnType<typeof dripline.listContacts.all>;
    expectTypeOf<Rows>().toEqualTypeOf<AsyncIterableIterator<Page["results"][number]>>();
    expectTypeOf(dripline.getContact).not.toHaveProperty("all");
  });

  test("an empty answer is undefined", () => {
    expectTypeOf<Awaited<ReturnType<typeof dripline.deleteSequenceStep>>>().toEqualTypeOf<undefined>();
  });
});
