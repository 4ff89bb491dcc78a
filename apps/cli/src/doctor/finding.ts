/** What one look at one thing showed. */
export type Finding =
  | { readonly kind: "good"; readonly text: string }
  /** Works, but not as it should in production. */
  | { readonly kind: "warning"; readonly text: string; readonly remedy: string }
  | { readonly kind: "bad"; readonly text: string; readonly remedy: string };

const marks = { good: "✓", warning: "!", bad: "✗" } as const;

export function describeFinding(finding: Finding): string {
  const line = `${marks[finding.kind]} ${finding.text}`;
  return finding.kind === "good" || finding.remedy === "" ? line : `${line}\n    ${finding.remedy}`;
}
