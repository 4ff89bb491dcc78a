import { type CrashPoint, type Fault, isByPolicy, type Seen } from "./crash-point.ts";
import { crashPoints } from "./crash-points.ts";

/** The table of docs/crash-points.md, from the same data that the scenes are held to. */
export function describeCrashPoints(): string {
  return [
    "| point | how it ends there | what only the dead one knew | left behind | what it comes to |",
    "|---|---|---|---|---|",
    ...crashPoints.map((point) => `| ${cells(point).join(" | ")} |`),
  ].join("\n");
}

function cells(point: CrashPoint): string[] {
  return [
    point.name,
    point.faults.map(describeFault).join(", then ") + (point.setUp === undefined ? "" : ` (${setUps[point.setUp]})`),
    point.knew,
    describe(point.left),
    describe(point.becomes),
  ];
}

const setUps = {
  daily_limit: "the sequence has a daily limit",
  opted_out: "the contact had opted out",
  window_closed: "the window had closed",
};

function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case "kill":
      return `SIGKILL at \`${fault.at}\``;
    case "kill_before_reply":
      return "SIGKILL when the server has the last byte";
    case "kill_api_before_wake":
      return "SIGKILL of the API after the commit";
    case "freeze":
      return `SIGSTOP at \`${fault.at}\`; SIGCONT when all is settled`;
  }
}

function describe(value: CrashPoint["left"]): string {
  if (!isByPolicy(value)) return describeSeen(value);
  return (["advance", "resend", "hold"] as const)
    .map((policy) => `**${policy}**: ${describeSeen(value[policy])}`)
    .join("<br>");
}

/** What is as in a row that nobody has touched goes without saying. */
function describeSeen(seen: Seen): string {
  const { status, phase, lease, attempts, generation, events, log, copies, next, enrollment, places } = seen;
  return [
    `\`${status}${phase === null ? "" : `[${phase}]`}\``,
    lease === null ? "" : lease === "runs" ? "lease runs" : "lease over",
    attempts === 0 && generation === 0 ? "" : `attempts ${attempts}, generation ${generation}`,
    events.length === 0 ? "" : `events: ${events.map((event) => `\`${event.split(" ")[1]}\``).join(", ")}`,
    log.length === 0 ? "" : `log: ${log.map((outcome) => `\`${outcome}\``).join(", ")}`,
    `${copies} ${copies === 1 ? "copy" : "copies"}`,
    next === null ? "" : `next step \`${next}\``,
    enrollment === "active" ? "" : `enrollment \`${enrollment}\``,
    places === 0 ? "" : `${places} ${places === 1 ? "place" : "places"} taken`,
  ]
    .filter((part) => part !== "")
    .join(", ");
}
