import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLiquid, type LiquidFlavour, parseLiquid } from "./liquid.ts";
import { planRendering, renderPieces } from "./render-plan.ts";
import { textOf } from "./text-piece.ts";

const engines = { html: createLiquid("html"), text: createLiquid("text") };

function parsed(flavour: LiquidFlavour, source: string) {
  const result = parseLiquid(engines[flavour], source);
  if (!result.ok) throw new Error(`${source}: ${result.problem.message}`);
  return result.templates;
}

function outcome(render: () => string): { text: string } | { error: string } {
  try {
    return { text: render() };
  } catch (error) {
    return { error: String(error) };
  }
}

function inPieces(flavour: LiquidFlavour, source: string, variables: object) {
  const plan = planRendering(engines[flavour], source, parsed(flavour, source));
  return outcome(() => textOf(renderPieces(engines[flavour], plan, variables, {})));
}

function byLiquidAlone(flavour: LiquidFlavour, source: string, variables: object) {
  return outcome(() => String(engines[flavour].renderSync(parsed(flavour, source), variables) as unknown));
}

const fragment = fc.constantFrom(
  "Hello ",
  ", \n",
  "{{ name }}",
  "{{name}}",
  "{{ name | upcase }}",
  "{{ nobody }}",
  "{{ nobody | default: 'you' }}",
  "{{- name -}}",
  "{% if name %}{{ name }}{% endif %}",
  "{% for n in list %}{{ n }},{% endfor %}",
  "{% for n in list limit: 1 %}{{ n }}{% endfor %}",
  "{% for n in list offset: continue %}{{ n }};{% endfor %}",
  "{% for name in list %}{{ name }}{% endfor %}",
  "{% for n in list %}{% if n == 'b' %}{% break %}{% endif %}{{ n }}{% endfor %}",
  "{% tablerow n in list %}{{ n }}{% endtablerow %}",
  "{% case name %}{% when 'Ann' %}{{ name }}{% else %}-{% endcase %}",
  "{% assign name = 'Bea' %}",
  "{% if name %}{% assign name = 'Cleo' %}{% endif %}",
  "{% capture name %}{{ name }}!{% endcapture %}",
  "{% increment count %}{{ count }}",
  "{% cycle 'a', name %}",
  "{% liquid\nassign name = 'Dora'\necho name %}",
  "{% echo name %}",
  "{% raw %}{{ name }}{% endraw %}",
  "{% comment %}{% assign name = 'Eve' %}{% endcomment %}",
  "{% # assign name = 'Eve' %}",
  "{% break %}",
  "{% continue %}",
);

describe("a part that is filled in piece by piece", () => {
  test("reads as Liquid alone would have it, and fails where Liquid would fail", () => {
    const variables = fc.record({
      name: fc.constantFrom("Ann", "<b>", "", undefined, 0, { a: 1 }),
      list: fc.constantFrom(["a", "b", "c"], [], undefined),
    });
    fc.assert(
      fc.property(
        fc.constantFrom("html" as const, "text" as const),
        fc.array(fragment, { maxLength: 8 }).map((fragments) => fragments.join("")),
        variables,
        (flavour, source, values) => {
          // `increment` writes into what it is given.
          expect(inPieces(flavour, source, { ...values })).toEqual(byLiquidAlone(flavour, source, { ...values }));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("asks for what is printed again and again only once", () => {
    let asked = 0;
    const contact = {
      get name() {
        asked += 1;
        return "Ann";
      },
    };
    expect(inPieces("text", "{{ contact.name }}, {{ contact.name }} and {{ contact.name }}", { contact })).toEqual({
      text: "Ann, Ann and Ann",
    });
    expect(asked).toBe(1);
  });

  test("has its limits for all pieces together, not for each", () => {
    const piece = (n: number) => `{% for n in (1..90000) %}{% endfor %}${n}`;
    expect(inPieces("html", [1, 2].map(piece).join(""), {})).toEqual({ text: "12" });
    expect(inPieces("html", [1, 2, 3, 4, 5, 6, 7].map(piece).join(""), {})).toEqual({
      error: expect.stringMatching(/memory alloc limit exceeded/),
    });
  });
});
