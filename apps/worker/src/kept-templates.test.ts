import type { TemplateContent } from "@dripline/db/load-template-content";
import { expect, test } from "vitest";
import { keepTemplates } from "./kept-templates.ts";

function listenTo(load: (versionId: string) => Promise<TemplateContent>) {
  const loaded: string[] = [];
  const kept = keepTemplates((versionId) => {
    loaded.push(versionId);
    return load(versionId);
  });
  return { kept, loaded };
}

const contentOf = async (versionId: string) => ({ subject: versionId }) as TemplateContent;

test("a version is read once, however many ask for it at the same time or later", async () => {
  const { kept, loaded } = listenTo(contentOf);
  const both = await Promise.all([kept("1"), kept("1")]);
  expect([...both, await kept("1")].map((content) => content.subject)).toEqual(["1", "1", "1"]);
  expect((await kept("2")).subject).toBe("2");
  expect(loaded).toEqual(["1", "2"]);
});

test("a version that could not be read is read again", async () => {
  let isDown = true;
  const { kept } = listenTo(async (versionId) => {
    if (isDown) throw new Error("the database is away");
    return contentOf(versionId);
  });
  await expect(kept("1")).rejects.toThrow("away");
  isDown = false;
  expect((await kept("1")).subject).toBe("1");
});

test("of very many versions, the one that was not asked for for longest is forgotten", async () => {
  const { kept, loaded } = listenTo(contentOf);
  for (let version = 1; version <= 200; version++) await kept(String(version));
  await kept("1");
  await kept("201"); // one too many: "2" goes
  loaded.length = 0;
  await kept("1");
  await kept("2");
  expect(loaded).toEqual(["2"]);
});
