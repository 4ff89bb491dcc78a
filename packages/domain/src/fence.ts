/** What the database says about the place that it was adopted in. */
export interface Adoption {
  readonly adoptedAt: Date;
  readonly adoptedBy: string;
  readonly databaseName: string;
  /** Null: no worker with a public address has been here yet. */
  readonly publicOrigin: string | null;
  /** Whether the record was written in this database, and has stayed where it was written. */
  readonly isHere: boolean;
}

/** Whether email may leave from a database. Closed: nothing does, until somebody adopts it. */
export type Fence =
  | { readonly kind: "open"; readonly adoptedAt: Date; readonly publicOrigin: string | null }
  | { readonly kind: "closed"; readonly reason: FenceReason; readonly message: string };

export type ClosedFence = Extract<Fence, { kind: "closed" }>;

export type FenceReason = "never_adopted" | "copied" | "other_public_url";

/** What to do about a fence that is closed; the same everywhere, so that people find it again. */
export const adoptRemedy =
  "If this is the installation that is to send from now on, and no other one does: dripline adopt";

/**
 * The part of PUBLIC_URL that says which installation this is: `https://mail.example.com`. Null for one that leads to this
 * machine (http:// is accepted for nothing else): everybody's trial has that.
 */
export function publicOriginOf(publicUrl: string): string | null {
  const { protocol, origin } = new URL(publicUrl);
  return protocol === "http:" ? null : origin;
}

/**
 * Whether a process with this PUBLIC_URL may send from a database with these adoptions (one as a rule; more than that
 * come of a restore over it). Undefined: it does not know its PUBLIC_URL, and is only told about the database.
 *
 * An adoption without an address fits any: the first worker writes its own into it.
 */
export function judgeFence(adoptions: readonly Adoption[], publicUrl: string | undefined): Fence {
  const [adoption] = adoptions;
  if (adoption === undefined) {
    return closed("never_adopted", "This database was never adopted, or was told to send no more.");
  }
  const stranger = adoptions.find(({ isHere }) => !isHere);
  if (stranger !== undefined) {
    const { databaseName, adoptedAt } = stranger;
    return closed(
      "copied",
      `This database is a copy or was restored: its data was adopted in another place (the database "${databaseName}", at ${adoptedAt.toISOString()}).`,
    );
  }
  const { adoptedAt, publicOrigin } = adoption;
  if (publicUrl !== undefined && publicOrigin !== null && publicOriginOf(publicUrl) !== publicOrigin) {
    return closed(
      "other_public_url",
      `PUBLIC_URL is ${publicUrl} here, and this database was adopted at ${publicOrigin}: this may be a copy of that installation.`,
    );
  }
  return { kind: "open", adoptedAt, publicOrigin };
}

function closed(reason: FenceReason, message: string): Fence {
  return { kind: "closed", reason, message: `${message} Nothing is sent from here.` };
}
