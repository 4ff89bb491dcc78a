import type { InDoubtPolicy } from "@dripline/domain/statuses";
import type { ApiClient } from "./api-client.ts";
import type { SequenceName } from "./plan-people.ts";
import { asWeeklyWindows, type Openings } from "./plan-windows.ts";
import { windowsAcrossGap, type ZoneChange } from "./zone-change.ts";

export interface MadeSequence {
  readonly sequenceId: string;
  readonly scheduleId: string;
}

export const stepsPerSequence = 5;

/** Of a day that lasts four minutes, a minute of delay is 0.17 s: the steps come 0.3 s to 0.8 s after each other. */
const delayMinutes = [0, 2, 3, 4, 5];

/** The run's sequences, made through the API. */
export async function makeContent(
  api: ApiClient,
  policy: InDoubtPolicy,
  schedules: Readonly<Record<SequenceName, ScheduleInput>>,
): Promise<Record<SequenceName, MadeSequence>> {
  const templates = await Promise.all(
    delayMinutes.map((_, index) =>
      create(api, "/api/v1/email-templates/", {
        name: `Step ${index + 1}`,
        subject: `Step ${index + 1} for {{ contact.email }}`,
        mjml: `<mjml><mj-body><mj-section><mj-column><mj-text>${"Words to read. ".repeat(20)}Step ${index + 1}, {{ contact.first_name }}.</mj-text></mj-column></mj-section></mj-body></mjml>`,
      }),
    ),
  );
  const make = async (name: SequenceName): Promise<MadeSequence> => {
    const scheduleId = await create(api, "/api/v1/schedules/", { name, ...schedules[name] });
    const sequenceId = await create(api, "/api/v1/email-sequences/", {
      name,
      schedule: scheduleId,
      in_doubt_policy: policy,
      steps: templates.map((template, index) => ({
        step_number: index + 1,
        name: `Step ${index + 1}`,
        email_template: template,
        delay: { value: delayMinutes[index], unit: "minutes" },
      })),
    });
    return { sequenceId, scheduleId };
  };
  return { open: await make("open"), windowed: await make("windowed"), edited: await make("edited") };
}

type WeeklyWindow = { readonly weekday: number; readonly start: string; readonly end: string };
type ScheduleInput = ReturnType<typeof schedule>;

// Everybody at once when a window opens: that is the harder case, and nobody waits a minute for their place.
const schedule = (timezone: string, windows: readonly WeeklyWindow[]) => ({ timezone, windows, spread_minutes: 0 });

export const alwaysOpen = schedule(
  "UTC",
  [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "00:00", end: "24:00" })),
);

/** Open then and no other time. If the zone's clock changes meanwhile, the openings are those of `openingsAcrossGap`. */
export function scheduleOf(openings: Openings, change?: ZoneChange): ScheduleInput {
  if (change === undefined) return schedule("UTC", asWeeklyWindows(openings));
  return schedule(change.zone, windowsAcrossGap(openings, change));
}

async function create(api: ApiClient, path: string, body: unknown): Promise<string> {
  const answer = await api.insist("POST", path, body);
  if (answer.status !== 201) throw new Error(`POST ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return String(answer.body.id);
}
