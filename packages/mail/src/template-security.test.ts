import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import PostalMime from "postal-mime";
import { afterAll, describe, expect, test } from "vitest";
import { compileTemplate } from "./compile-template.ts";
import { composeMessage } from "./compose.ts";
import { createRenderer } from "./render.ts";

const directory = mkdtempSync(join(tmpdir(), "dripline-mail-"));
const secretFile = join(directory, "secret.mjml");
writeFileSync(secretFile, "<mj-text>TOP SECRET</mj-text>");
const here = `secret-${process.pid}.liquid`;
writeFileSync(here, "TOP SECRET");
afterAll(() => {
  rmSync(directory, { recursive: true });
  rmSync(here);
});

function mail(body: string): string {
  return `<mjml><mj-body><mj-section><mj-column>${body}</mj-column></mj-section></mj-body></mjml>`;
}

/** How long it took, in milliseconds of this process's own time: another busy process does not make it fail. */
async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1000;
}

describe("templates read no files", () => {
  const targets = [
    "/etc/passwd",
    "../../../../../../etc/passwd",
    "package.json",
    here,
    basename(here, ".liquid"),
    secretFile,
  ];

  test.each(targets)("%s through Liquid", async (target) => {
    for (const source of [
      `{% render "${target}" %}`,
      `{% include "${target}" %}`,
      `{% include ${target} %}`,
      `{% layout "${target}" %}`,
      `{% layout "${target}" %}{% block a %}{% endblock %}`,
      `{% liquid render "${target}" %}`,
    ]) {
      const compiled = await compileTemplate({ subject: "s", mjml: mail(`<mj-text>${source}</mj-text>`) });
      expect(compiled, source).toMatchObject({ ok: false, problems: [{ field: "mjml" }] });
      const rendering = createRenderer().render({ versionId: "v", subject: "s", html: source, text: source }, {});
      expect(rendering, source).toMatchObject({ ok: false });
      expect(JSON.stringify([compiled, rendering])).not.toMatch(/TOP SECRET|root:/);
    }
  });

  test.each(targets)("%s through MJML", async (target) => {
    for (const tag of [
      `<mj-include path="${target}" />`,
      `<mj-include path="${target}" type="html" />`,
      `<mj-include path="${target}" type="css" css-inline="inline" />`,
      `<MJ-INCLUDE path="file://${target}"></MJ-INCLUDE>`,
    ]) {
      const compiled = await compileTemplate({ subject: "s", mjml: mail(tag) });
      expect(compiled, tag).toMatchObject({ ok: false });
      expect(JSON.stringify(compiled)).not.toMatch(/TOP SECRET|root:/);
    }
  });
});

describe("templates reach nothing but their own data", () => {
  test.each([
    "{{ constructor }}",
    "{{ contact.constructor.constructor }}",
    "{{ contact.__proto__ }}",
    '{{ contact["__proto__"]["polluted"] }}',
    "{{ contact.toString }}",
    "{{ contact.first_name.constructor }}",
    "{{ hasOwnProperty }}",
    "{{ process.env.PATH }}",
    "{{ globalThis }}",
    "{{ contact.secret }}",
  ])("%s has no value", (source) => {
    const contact = { first_name: "Ann", secret: () => "called" };
    const rendering = createRenderer().render({ versionId: "v", subject: "s", html: source, text: "t" }, { contact });
    expect(rendering).toMatchObject({ ok: false, reason: { code: "missing_variable" } });
  });

  test("data cannot reach the prototype of everything", () => {
    const variables = JSON.parse('{"contact":{"__proto__":{"polluted":"yes"},"name":"Ann"}}') as Record<
      string,
      unknown
    >;
    const template = { versionId: "v", subject: "s", html: "{{ contact.polluted | default: 'no' }}", text: "t" };
    expect(createRenderer().render(template, variables)).toMatchObject({ ok: true, html: "no" });
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });

  test("data that looks like Liquid stays text", () => {
    const template = { versionId: "v", subject: "{{ a }}", html: "{{ a }}", text: "{{ a }}" };
    const a = "{{ secret }}{% if true %}x{% endif %}";
    expect(createRenderer().render(template, { a, secret: "TOP SECRET" })).toMatchObject({
      ok: true,
      html: a,
      subject: a,
    });
  });
});

describe("contact data becomes no markup", () => {
  const corpus = [
    "<script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    "</td></table><iframe src=https://evil.example>",
    "--><script>alert(1)</script><!--",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&amp;lt;script&amp;gt;",
    "&#x3c;script&#x3e",
    "<svg/onload=alert(1)>",
    "{{ '<script>' }}",
    "\u0000<script>alert(1)</script>",
    "<scr\u0000ipt>",
  ];
  const source = `<mjml><mj-head><mj-title>T {{ x }}</mj-title><mj-preview>{{ x }}</mj-preview></mj-head><mj-body>
    <mj-section><mj-column><mj-text css-class="c"><p title="{{ x }}" id='{{ x }}'>{{ x }} {{ x | escape }} {{ x | newline_to_br }}
      {% capture y %}{{ x }}{% endcapture %}{{ y }} {% echo x %} {% cycle x %} {{ x | upcase }} {{ x | url_decode }}
      {{ x | escape_once }} {{ x | xml_escape }} {{ x | replace: "a", "b" }} {{ x | json }} {{ x | strip_html }}
      {{ x | base64_encode | base64_decode }} {{ x | split: "" | reverse | join: "" }} {{ list }}</p></mj-text>
      <mj-button href="https://example.com/?q={{ x }}" title="{{ x }}">{{ x }}</mj-button>
      <mj-image src="https://example.com/{{ x }}" alt="{{ x }}" /></mj-column></mj-section></mj-body></mjml>`;

  test.each(corpus)("%j", async (x) => {
    const compiled = await compileTemplate({ subject: "{{ x }}", mjml: source });
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
    const template = { versionId: "v", ...compiled.template };
    const harmless = createRenderer().render(template, { x: "harmless", list: ["harmless"] });
    const rendering = createRenderer().render(template, { x, list: [x] });
    if (!rendering.ok || !harmless.ok) throw new Error(JSON.stringify(rendering));
    expect(tagsOf(rendering.html)).toEqual(tagsOf(harmless.html));

    const message = await composeMessage({
      messageId: "<x@example.com>",
      date: new Date(0),
      from: { name: x, address: "a@example.com" },
      to: { name: x, address: "b@example.org" },
      unsubscribeUrl: "https://example.com/u",
      ...rendering,
    });
    const read = await PostalMime.parse(message.raw);
    expect(tagsOf(read.html ?? "")).toEqual(tagsOf(harmless.html));
    expect(message.envelope.to).toEqual(["b@example.org"]);
  });

  /** Every tag with the names of its attributes, in order. */
  function tagsOf(html: string): string[] {
    const tags = html.match(/<[a-z!/][^<>]*>/gi) ?? [];
    return tags.map((tag) => tag.replace(/=\s*("[^"]*"|'[^']*')/g, "=").replace(/\s+/g, " "));
  }
});

describe("what would run for ever or fill the memory ends soon", () => {
  test.each([
    "{% for i in (1..1000000000) %}x{% endfor %}",
    "{% for i in (1..100000) %}{% for j in (1..100000) %}x{% endfor %}{% endfor %}",
    "{% for i in (1..400000) %}{% for j in (1..10) %}{{ i }}{{ j }}{% endfor %}{% endfor %}",
    '{% assign a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" %}{% for i in (1..100) %}{% assign a = a | append: a %}{% endfor %}{{ a }}',
    '{% assign a = "a,b" | split: "," %}{% for i in (1..100) %}{% assign a = a | concat: a %}{% endfor %}{{ a | size }}',
    '{{ "2020-01-01" | date: "%999999999d" }}',
    "{% capture a %}{% for i in (1..300000) %}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}{% endcapture %}{{ a }}",
    "{% tablerow i in (1..1000000000) %}x{% endtablerow %}",
    '{{ "a" | times: 1000000 | append: "b" }}{{ x | slice: 0, 99999999999 }}',
    "{{ (1..99999999) | join: ',' }}",
  ])("%s", async (source) => {
    let ok = true;
    const used = await cpuMs(() => {
      ok = createRenderer().render({ versionId: "v", subject: "s", html: source, text: "t" }, { x: "x" }).ok;
    });
    expect(ok).toBe(false);
    expect(used).toBeLessThan(2500);
  });

  const deepDivs = `<mj-text>${"<div>".repeat(5000)}${"</div>".repeat(5000)}</mj-text>`;
  test.each([
    ["too_deep", mail("<mj-column>".repeat(3000) + "</mj-column>".repeat(3000))],
    ["too_deep", mail("<mj-wrapper>".repeat(10_000))],
    ["too_deep", mail(deepDivs)],
    ["too_deep", mail(`<mj-text>${"{% if a %}".repeat(5000)}${"{% endif %}".repeat(5000)}</mj-text>`)],
    ["too_many_elements", mail("<mj-text>a</mj-text>".repeat(3000))],
    ["too_large", mail(`<mj-text>${"a ".repeat(200_000)}</mj-text>`)],
    ["too_large", mail("<mj-text></mj-text>".repeat(1_000_000))],
    ["too_large", mail(`<mj-text>${"{{ a }}".repeat(25_000)}</mj-text>`)],
  ])("%s is told before MJML sees it", async (code, mjml) => {
    let result: Awaited<ReturnType<typeof compileTemplate>> | undefined;
    const used = await cpuMs(async () => {
      result = await compileTemplate({ subject: "s", mjml });
    });
    expect(result).toMatchObject({ ok: false, problems: [{ field: "mjml", code, line: 1 }] });
    expect(used).toBeLessThan(500);
  });

  test.each([
    ["as many elements as may be", mail("<mj-text>a</mj-text>".repeat(490))],
    [
      "as many sections as may be",
      `<mjml><mj-body>${"<mj-section><mj-column><mj-text>a</mj-text></mj-column></mj-section>".repeat(165)}</mj-body></mjml>`,
    ],
    ["as much HTML as may be", mail(`<mj-text>${"<b>a</b>".repeat(24_000)}</mj-text>`)],
    ["as deep as may be", mail(`<mj-text>${"<div>".repeat(90)}a${"</div>".repeat(90)}</mj-text>`)],
    ["as much Liquid as may be", mail(`<mj-text>${"{{ a }}".repeat(2_100)}</mj-text>`)],
    ["as many variables as may be", mail(`<mj-text>{{ a ${"|append:a".repeat(1_600)} }}</mj-text>`)],
    ["paragraphs that are not closed", mail(`<mj-text>${"<p>a<ul><li>b<li>c</ul>".repeat(2000)}</mj-text>`)],
  ])("%s compiles in reasonable time", async (_name, mjml) => {
    let result: Awaited<ReturnType<typeof compileTemplate>> | undefined;
    const used = await cpuMs(async () => {
      result = await compileTemplate({ subject: "s", mjml });
    });
    expect(result).toMatchObject({ ok: true });
    expect(used).toBeLessThan(3000);
  });

  test.each([
    "{{".repeat(90_000),
    "{%".repeat(90_000),
    `{{ ${"a.".repeat(90_000)}b }}`,
    `{{ a ${"| append: 'x' ".repeat(10_000)} }}`,
    "<".repeat(190_000),
    "</".repeat(90_000),
    "<!--".repeat(45_000),
    `<mjml ${'a="'.repeat(60_000)}`,
    "<a ".repeat(60_000),
    `{{ ${"[".repeat(90_000)} }}`,
  ])("nonsense %.20s is answered", async (nonsense) => {
    let result: Awaited<ReturnType<typeof compileTemplate>> | undefined;
    const used = await cpuMs(async () => {
      result = await compileTemplate({ subject: "s", mjml: nonsense, text: nonsense });
    });
    expect(result).toMatchObject({ ok: false });
    expect(used).toBeLessThan(2500);
  });
});
