import { describe, expect, test } from "vitest";
import { createRenderer, type Rendering } from "./render.ts";

let versions = 0;
function render(template: { subject?: string; html?: string; text?: string }, variables = {}, now?: Date): Rendering {
  const versionId = `version-${++versions}`;
  return createRenderer().render({ versionId, subject: "s", html: "h", text: "t", ...template }, variables, now);
}

function html(source: string, variables = {}): string {
  const rendering = render({ html: source }, variables);
  if (!rendering.ok) throw new Error(JSON.stringify(rendering.reason));
  return rendering.html;
}

describe("a missing variable", () => {
  test.each([
    ["{{ contact.first_name }}", {}, "contact"],
    ["{{ contact.first_name }}", { contact: {} }, "contact.first_name"],
    ["{{ contact.first_name }}", { contact: { first_name: null } }, "contact.first_name"],
    ["{{ contact.first_name }}", { contact: { first_name: undefined } }, "contact.first_name"],
    ["{{ contact.company.name }}", { contact: { company: null } }, "contact.company"],
    ["{{ contact.first_name | upcase }}", { contact: {} }, "contact.first_name"],
    ["{{ a | append: b }}", { a: "x" }, "b"],
    ["{% for item in items %}{% endfor %}", {}, "items"],
    ["{% echo a %}", {}, "a"],
    ["{{ items[0] }}", { items: [null] }, "items.0"],
    ["{{ items | first }}", { items: [] }, "items"],
    ["{% echo items | first %}", { items: [] }, "items"],
    ["{% assign b = a %}{{ b | upcase }}", {}, "a"],
    ["{% capture b %}{{ a }}{% endcapture %}{{ b }}", {}, "a"],
  ])("%s is a failure that names it", (source, variables, variable) => {
    for (const part of ["subject", "html", "text"] as const) {
      expect(render({ [part]: source }, variables)).toMatchObject({
        ok: false,
        reason: { code: "missing_variable", variable, part, message: `there is no value for ${variable}`, line: 1 },
      });
    }
  });

  test.each([
    ['{{ contact.first_name | default: "there" }}', {}],
    ['{{ contact.first_name | default: "there" }}', { contact: {} }],
    ['{{ contact.first_name | default: "there" }}', { contact: { first_name: null } }],
    ['{{ contact.first_name | default: "there" }}', { contact: { first_name: "" } }],
    ['{{ contact.company.name | default: "there" | append: "" }}', { contact: { company: null } }],
    ["{% if contact.first_name %}{{ contact.first_name }}{% else %}there{% endif %}", { contact: {} }],
    ["{% unless contact.first_name %}there{% endunless %}", {}],
    ['{% assign name = contact.first_name | default: "there" %}{{ name }}', {}],
  ])("%s does without it", (source, variables) => {
    expect(html(source, variables)).toBe("there");
  });

  test("an empty text, zero and false are values", () => {
    expect(html("[{{ a }}][{{ b }}][{{ c }}]", { a: "", b: 0, c: false })).toBe("[][0][false]");
  });

  test("a subject that comes out empty is a failure", () => {
    expect(render({ subject: " {{ a }} " }, { a: "" })).toMatchObject({ ok: false, reason: { part: "subject" } });
  });
});

describe("each part prints in its own way", () => {
  test("the HTML is escaped, once, whatever the template asks for", () => {
    const variables = { a: `<b title="x">Tom & 'Jerry'</b>` };
    const escaped = "&lt;b title=&#34;x&#34;&gt;Tom &amp; &#39;Jerry&#39;&lt;/b&gt;";
    for (const source of [
      "{{ a }}",
      "{{ a | escape }}",
      "{{ a | escape | append: '' }}",
      "{% echo a %}",
      "{% cycle a %}",
      "{% liquid echo a %}",
      "{% capture b %}{{ a }}{% endcapture %}{{ b }}",
      "{% assign b = a %}{{ b }}",
      "{{ a | newline_to_br }}",
      "{{ a | split: '' | join: '' }}",
      "{{ list }}",
      "{% tablerow b in list %}{{ b }}{% endtablerow %}",
    ]) {
      expect(html(source, { ...variables, list: [variables.a] }), source).toContain(escaped);
    }
  });

  test("subject and text are not escaped, not even by filters that came from the HTML", () => {
    const source = "{{ a }} {{ a | escape }} {{ a | newline_to_br }}";
    const rendering = render({ subject: source, text: source }, { a: "Tom & 'Jerry'" });
    expect(rendering).toMatchObject({ ok: true, subject: "Tom & 'Jerry' Tom & 'Jerry' Tom & 'Jerry'" });
    expect(rendering).toMatchObject({ ok: true, text: "Tom & 'Jerry' Tom & 'Jerry' Tom & 'Jerry'\n" });
  });

  test("lines of a value can become lines of the HTML", () => {
    expect(html("{{ a | newline_to_br }}", { a: "one\r\n<two>\nthree" })).toBe("one<br>\n&lt;two&gt;<br>\nthree");
  });

  test("the subject is one line", () => {
    const rendering = render({ subject: "Hi\r\n {{ a }}" }, { a: "x\r\nBcc: evil@example.net\n\ty" });
    expect(rendering).toMatchObject({ ok: true, subject: "Hi x Bcc: evil@example.net y" });
  });

  test("conditions that print nothing leave no gap in the text", () => {
    const rendering = render({ text: "a\n\n{% if x %}\n\nb\n\n{% endif %}\n\nc\n" }, {});
    expect(rendering).toMatchObject({ ok: true, text: "a\n\nc\n" });
  });

  test("an object where a text should be is a failure, not [object Object]", () => {
    for (const part of ["subject", "html", "text"] as const) {
      expect(render({ [part]: "{{ contact }}" }, { contact: { a: 1 } })).toMatchObject({
        ok: false,
        reason: { code: "render_failed", part },
      });
    }
  });
});

describe("the same arguments give the same message", () => {
  test("dates are UTC unless the template names a zone", () => {
    const at = "2026-03-04T23:30:00Z";
    const source = '{{ at | date: "%Y-%m-%d %H:%M" }} {{ at | date: "%Y-%m-%d %H:%M", "Asia/Bangkok" }}';
    expect(html(source, { at })).toBe("2026-03-04 23:30 2026-03-05 06:30");
  });

  test('"now" is the moment that the caller gave, and a failure without one', () => {
    const template = { html: '{{ "now" | date: "%Y-%m-%d" }} {{ "today" | date: "%Y" }}' };
    expect(render(template, {}, new Date("2026-03-04T05:06:07Z"))).toMatchObject({ ok: true, html: "2026-03-04 2026" });
    expect(render(template)).toMatchObject({ ok: false, reason: { code: "render_failed", part: "html" } });
  });

  test("nothing random is at hand", () => {
    expect(render({ html: "{{ a | sample }}" }, { a: [1, 2] })).toMatchObject({ ok: false });
  });
});

describe("the cache", () => {
  test("knows a version by its id, which never means another text", () => {
    const renderer = createRenderer();
    const template = { versionId: "v1", subject: "s", html: "{{ a }}", text: "t" };
    expect(renderer.render(template, { a: 1 })).toMatchObject({ html: "1" });
    expect(renderer.render({ ...template, html: "changed" }, { a: 2 })).toMatchObject({ html: "2" });
  });

  test("forgets the version unused for longest, and only that one", () => {
    const renderer = createRenderer();
    const template = (number: number, html: string) => ({ versionId: `v${number}`, subject: "s", html, text: "t" });
    for (let number = 0; number < 200; number++) renderer.render(template(number, "first"), {});
    renderer.render(template(0, "-"), {});
    renderer.render(template(200, "first"), {});
    expect(renderer.render(template(0, "second"), {})).toMatchObject({ html: "first" });
    expect(renderer.render(template(1, "second"), {})).toMatchObject({ html: "second" });
  });

  test("keeps nothing of one contact for the next", () => {
    const renderer = createRenderer();
    const template = { versionId: "v1", subject: "s", html: "{% assign b = a %}{{ b }}{% increment n %}", text: "t" };
    expect(renderer.render(template, { a: "x" })).toMatchObject({ html: "x0" });
    expect(renderer.render(template, { a: "y" })).toMatchObject({ html: "y0" });
    expect(renderer.render(template, {})).toMatchObject({ ok: false });
  });
});
