/** What every email of the benchmark says: 8 KB of HTML with the lines of a real template, and its text. */
export const subject = "Getting started, {{ contact.first_name }}";

const paragraph =
  '<tr><td align="left" style="font-size:0px;padding:10px 25px;word-break:break-word;"><div style="font-family:Helvetica,Arial,sans-serif;font-size:15px;line-height:1.6;text-align:left;color:#333333;">Your workspace is ready, {{ contact.first_name }}. Invite the people you work with, connect the tools that you use every day, and have a look at the examples: they show in five minutes what takes a manual fifty pages.</div></td></tr>';

export const html = `<!doctype html><html lang="en"><head><title></title><meta http-equiv="Content-Type" content="text/html; charset=UTF-8"><meta name="viewport" content="width=device-width,initial-scale=1"></head><body style="word-spacing:normal;"><div><table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="width:100%;"><tbody>${paragraph.repeat(
  18,
)}</tbody></table><p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></div></body></html>`;

const sentence =
  "Your workspace is ready, {{ contact.first_name }}. Invite the people you work with, connect the tools that you use every day, and have a look at the examples.";

export const text = `${`${sentence}\n\n`.repeat(6)}Unsubscribe: {{ unsubscribe_url }}\n`;

/** The same without a template, for what sends it without us. */
export function filledIn(template: string): string {
  return template
    .replaceAll("{{ contact.first_name }}", "Ann")
    .replaceAll("{{ unsubscribe_url }}", "https://example.com/u/a-token");
}

/** Sent before the time of a measurement begins: connections are open and code is warm then, with us as with ceiling A. */
export const warmUpEmails = 200;
