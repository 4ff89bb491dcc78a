import { describe, expect, test } from "vitest";
import { compileTemplate, type TemplateProblem } from "./compile-template.ts";

function mail(body: string, head = ""): string {
  return `<mjml>${head}<mj-body><mj-section><mj-column>${body}</mj-column></mj-section></mj-body></mjml>`;
}

async function compiled(mjml: string, subject = "Hello", text?: string) {
  const result = await compileTemplate({ subject, mjml, ...(text === undefined ? {} : { text }) });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.template;
}

async function problems(mjml: string, subject = "Hello", text?: string): Promise<TemplateProblem[]> {
  const result = await compileTemplate({ subject, mjml, ...(text === undefined ? {} : { text }) });
  return result.ok ? [] : result.problems;
}

describe("a template that is right", () => {
  test("becomes HTML that keeps its Liquid", async () => {
    const template = await compiled(mail('<mj-text>Hi {{ contact.first_name | default: "there" }}</mj-text>'));
    expect(template.html).toContain('Hi {{ contact.first_name | default: "there" }}</div>');
    expect(template.html).toContain("<!doctype html>");
  });

  test("links nobody's fonts unless it says so", async () => {
    expect((await compiled(mail("<mj-text>a</mj-text>"))).html).not.toMatch(/fonts\.googleapis|@import/);
    const font = '<mj-head><mj-font name="X" href="https://example.com/x.css"/></mj-head>';
    const own = await compiled(mail('<mj-text font-family="X">a</mj-text>', font));
    expect(own.html).toContain("https://example.com/x.css");
  });

  test("names the variables it reads, loop variables and its own aside, sorted and once", async () => {
    const template = await compiled(
      mail(
        `<mj-text>{{ contact.first_name }} {% for item in contact.items %}{{ item.name }}{{ forloop.index }}{% endfor %}
         {% assign who = company.name %}{{ who }} {% if contact["plan name"] %}x{% endif %}</mj-text>
         <mj-button href="{{ unsubscribe_url }}">Stop</mj-button>`,
      ),
      "{{ company.name }}, {{ contact.first_name }}",
    );
    expect(template.variables).toEqual([
      "company.name",
      "contact.first_name",
      "contact.items",
      "contact['plan name']",
      "unsubscribe_url",
    ]);
  });

  test("does not send its author's comments, nor need what only they mention", async () => {
    const template = await compiled(mail("<!-- {{ old.name }} --><mj-text>a</mj-text>"));
    expect(template.html).not.toContain("old.name");
    expect(template.variables).toEqual([]);
  });

  test("may show sections on a condition, through mj-raw", async () => {
    const template = await compiled(
      `<mjml><mj-body><mj-raw>{% if a < b and c > d %}</mj-raw><mj-section><mj-column><mj-text>a</mj-text></mj-column>
       </mj-section><mj-raw>{% endif %}</mj-raw></mj-body></mjml>`,
    );
    expect(template.html).toMatch(/\{% if a < b and c > d %\}[\s\S]*\{% endif %\}/);
  });
});

describe("the text part", () => {
  test("is the HTML in words: links with their address, pictures by their words, no preview line", async () => {
    const template = await compiled(
      mail(
        `<mj-text><h1>Hello {{ contact.first_name }}</h1><p>See <a href="https://example.com/?a=1&amp;b={{ c }}">the
         page</a> or <a href="https://example.com">https://example.com</a>.</p><ul><li>one</li><li>two</li></ul></mj-text>
         <mj-image src="https://example.com/a.png" alt="Our {{ thing }}" href="https://example.com/shop" />
         <mj-button href="{{ url }}">Go {{ where }}</mj-button>`,
        "<mj-head><mj-preview>Preview {{ line }}</mj-preview></mj-head>",
      ),
    );
    expect(template.text).toBe(
      `Hello {{ contact.first_name }}

See the page [https://example.com/?a=1&b={{ c }}] or https://example.com.

 * one
 * two

Our {{ thing }} [https://example.com/shop]

Go {{ where }} [{{ url }}]
`,
    );
  });

  test("breaks no Liquid tag, however long its line", async () => {
    const tag = `{{ contact.first_name | default: "${"a long default ".repeat(40)}" | append: "x" }}`;
    const template = await compiled(mail(`<mj-text>${"word ".repeat(60)}${tag}</mj-text>`));
    expect(template.text).toContain(tag);
  });

  test("is the given one when one is given, and is checked as well", async () => {
    expect((await compiled(mail("<mj-text>a</mj-text>"), "s", "Own {{ words }}")).text).toBe("Own {{ words }}");
    expect(await problems(mail("<mj-text>a</mj-text>"), "s", "one\n  {{ words | nope }}")).toEqual([
      { field: "text", code: "unknown_filter", message: 'there is no filter "nope"', line: 2, column: 3 },
    ]);
  });

  test("that cannot be derived is asked for", async () => {
    // The preview line is left out of the text, and an {% if %} that begins in it with it.
    const head = "<mj-head><mj-preview>{% if a %}</mj-preview></mj-head>";
    const mjml = mail("<mj-text>a {% endif %}</mj-text>", head);
    expect(await problems(mjml)).toMatchObject([{ field: "mjml", code: "text_underivable" }]);
    expect(await problems(mjml, "s", "own words")).toEqual([]);
  });
});

describe("a problem says where, in what the user wrote", () => {
  const body = (line: string): string => `<mjml>
  <mj-body>
    <mj-section>
      <mj-column>
        ${line}
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>`;

  test.each([
    ["<mj-text>Hi {{ contact.name | shout }}</mj-text>", "unknown_filter", 'there is no filter "shout"', 21],
    [
      "<mj-text>Hi {{ contact.name | raw }}</mj-text>",
      "unknown_filter",
      'there is no filter "raw": everything printed into HTML is escaped',
      21,
    ],
    ["<mj-text>{% include 'x' %}</mj-text>", "unknown_tag", 'there is no tag "include" here', 18],
    ["<mj-text>Hi {{ contact.name </mj-text>", "liquid_syntax", undefined, 21],
    ["<mj-text>{% if a %}x</mj-text>", "liquid_syntax", "tag {% if a %} not closed", 18],
    ["<mj-text>{% endif %}</mj-text>", "unknown_tag", 'there is no tag "endif" here', 18],
    ["<mj-txt>Hi</mj-txt>", "mjml_invalid", "<mj-txt>: Element mj-txt doesn't exist or is not registered", 9],
    [
      '<mj-text>a</mj-text><mj-text colour="red">Hi</mj-text>',
      "mjml_invalid",
      "<mj-text>: Attribute colour is illegal",
      9,
    ],
    ['<mj-spacer height="tall" />', "mjml_invalid", undefined, 9],
    ["<mj-section></mj-section>", "mjml_invalid", undefined, 9],
    ["<mj-text>Hi", "malformed", "<mj-text> is not closed before </mj-column>", 9],
    ["Hi</mj-text>", "malformed", "</mj-text> closes nothing: there is no <mj-text> open here", 11],
    [
      "<mj-text color='red>Hi</mj-text>",
      "malformed",
      '<mj-text> is not finished: a ">" or a closing quote is missing',
      9,
    ],
    [
      "{{ a }}<mj-text>Hi</mj-text>",
      "liquid_lost",
      "MJML drops {{ a }} here: between elements, put Liquid into <mj-raw>…</mj-raw>",
      9,
    ],
    ['<mj-include path="/etc/passwd" />', "include", undefined, 9],
    ["<mj-raw><script>alert(1)</script></mj-raw>", "script", undefined, 17],
    ["<mj-text><a href={{ url }}>x</a></mj-text>", "liquid_unquoted", undefined, 26],
    ["<mj-text><a {{ attributes }}>x</a></mj-text>", "liquid_unquoted", undefined, 21],
    ["<mj-text><{{ tag }}></mj-text>", "liquid_unquoted", undefined, 18],
  ])("%s", async (line, code, message, column) => {
    const found = await problems(body(line));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ field: "mjml", code, line: 5 });
    if (message !== undefined) expect(found[0]?.message).toBe(message);
    if (column !== undefined) expect(found[0]?.column).toBe(column);
  });

  test.each([
    ["hello", "there is no MJML here: expected <mjml><mj-body>…</mj-body></mjml>"],
    ["<html><body>hello</body></html>", "expected <mjml> first, not <html>"],
    ["<mjml></mjml>", "<mjml> has no <mj-body>"],
    ["<mjml><mj-head></mj-head></mjml>", "<mjml> has no <mj-body>"],
    ["<mjml><mj-body>", "<mj-body> is never closed"],
  ])("%s is malformed", async (mjml, message) => {
    expect((await problems(mjml))[0]).toMatchObject({ field: "mjml", code: "malformed", message, line: 1 });
  });

  test("what is wrong in several fields is told at once", async () => {
    const found = await problems("<mjml>", "{{ a | nope }}", "{% nope %}");
    expect(found.map(({ field, code }) => [field, code])).toEqual([
      ["subject", "unknown_filter"],
      ["text", "unknown_tag"],
      ["mjml", "malformed"],
      ["mjml", "malformed"],
    ]);
  });

  test("nothing of this machine is in it", async () => {
    const found = await problems(body("<mj-nope/>"));
    expect(JSON.stringify(found)).not.toContain(process.cwd());
  });

  test.each(["", "  \n"])("an empty field %j is one", async (empty) => {
    expect(await problems(mail("<mj-text>a</mj-text>"), empty)).toMatchObject([{ field: "subject", code: "empty" }]);
    expect(await problems(empty)).toMatchObject([{ field: "mjml", code: "empty" }]);
  });
});

describe("a < or a quote inside Liquid is not markup", () => {
  test.each([
    "<mj-text>{% if a <b %}x{% endif %}</mj-text>",
    "<mj-text>{{ a | replace: '<mj-text>', '</mj-column>' }}</mj-text>",
    "<mj-text>{% if a == '\"' %}x{% endif %}</mj-text>",
    "<mj-text>{% raw %}{{ literal }}{% endraw %}</mj-text>",
    '<mj-button href="{{ a | append: "?x=1" }}">x</mj-button>',
    "<mj-text><h1>{{ A | replace: '<', '>' }}</h1></mj-text>",
    "<mj-text>{{ a\n | upcase }}</mj-text>",
    "<mj-button href=\"{{ a | default: 'https://example.com' }}\">x</mj-button>",
  ])("%s", async (line) => {
    expect(await problems(mail(line))).toEqual([]);
  });
});
