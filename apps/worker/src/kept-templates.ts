import type { TemplateContent } from "@dripline/db/load-template-content";

/** As many as the renderer keeps parsed, and for the same reason. */
const versionsMax = 200;

/**
 * Reads each version of a template once, not for every email: versions never change, and their text would be most of what is
 * read for an email. The one that was not needed for longest is forgotten first.
 */
export function keepTemplates(
  load: (versionId: string) => Promise<TemplateContent>,
): (versionId: string) => Promise<TemplateContent> {
  const kept = new Map<string, Promise<TemplateContent>>();
  return (versionId) => {
    const content = kept.get(versionId) ?? load(versionId);
    kept.delete(versionId);
    kept.set(versionId, content);
    content.catch(() => kept.delete(versionId));
    const oldest = kept.keys().next().value;
    if (kept.size > versionsMax && oldest !== undefined) kept.delete(oldest);
    return content;
  };
}
