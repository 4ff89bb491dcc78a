import type { FastifyReply } from "fastify";

export interface HtmlPage {
  readonly title: string;
  /** HTML: whatever comes from outside goes through `escapeHtml` first. */
  readonly body: string;
  /** An address of ours to go on to at once. */
  readonly goOnTo?: string;
}

// No script, nothing from elsewhere, in nobody's frame; no Referer, because some addresses carry a token.
const headers = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color:#222;background:#fff}
button,input{font:inherit;padding:.5rem .75rem}code{background:#eee;padding:.1rem .3rem}
@media (prefers-color-scheme:dark){body{color:#ddd;background:#181818}code{background:#333}}`;

/** Answers with a small page of our own, for a person who followed a link. */
export function sendPage(reply: FastifyReply, status: number, { title, body, goOnTo }: HtmlPage): FastifyReply {
  const refresh = goOnTo === undefined ? "" : `<meta http-equiv="refresh" content="0;url=${escapeHtml(goOnTo)}">`;
  return reply
    .status(status)
    .headers(headers)
    .send(
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>${refresh}<style>${style}</style></head>
<body><h1>${escapeHtml(title)}</h1>${body}</body></html>`,
    );
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
