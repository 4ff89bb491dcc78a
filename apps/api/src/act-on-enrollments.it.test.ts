import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
let now = testNow;
const api = await startApi(url, { now: () => now });
const make = makers(api);
const path = (id: string, rest = "") => `/api/v1/sequence-enrollments/${id}/${rest}`;
const bulk = (body: object, headers: Record<string, string> = {}) =>
  api.post("/api/v1/sequence-enrollments/bulk-actions/", body, headers);
const read = async (id: string) => (await api.get(path(id))).body;
const days = (count: number) => new Date(testNow.getTime() + count * 86_400_000);

async function running(fields: object = {}) {
  const windows = [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "00:00", end: "24:00" }));
  const schedule = await make.schedule({ windows, spread_minutes: 0 });
  return make.sequence([3, 1], { schedule: schedule.id, ...fields });
}

const sequence = await running();

/** Somebody in the sequence, in this state. */
async function enrolled(status = "active", sequenceId: string = sequence.id): Promise<string> {
  now = testNow;
  const { id } = await make.enroll({ sequence_id: sequenceId, contact_id: (await make.contact()).id });
  if (status === "paused") await api.post(path(id, "pause/"), {});
  if (status === "completed") await api.post(path(id, "complete/"), {});
  if (status === "cancelled") await api.post(path(id, "unenroll/"), {});
  return id;
}

describe("many enrollments at once", () => {
  test("are paused; what could not be says why", async () => {
    const [one, two] = [await enrolled(), await enrolled()];
    const [paused, completed] = [await enrolled("paused"), await enrolled("completed")];

    const { status, body } = await bulk({
      action: "pause",
      ids: [one, paused, completed, nobody, two],
      reason: "Holidays",
    });

    expect(status).toBe(200);
    expect(body).toEqual({
      action: "pause",
      dry_run: false,
      matched: 5,
      changed: 2,
      unchanged: [
        { id: paused, status: "paused", reason: "already_done", message: "The enrollment is paused already." },
        { id: completed, status: "completed", reason: "enrollment_not_live", message: "The enrollment is completed." },
        { id: nobody, status: null, reason: "not_found", message: `There is no enrollment ${nobody}.` },
      ],
    });
    for (const id of [one, two]) {
      const after = await read(id);
      expect(after).toMatchObject({ status: "paused", resume_at: null, step_executions: [{ status: "pending" }] });
      expect(after.notes).toMatch(/Paused by api_key:.*: Holidays$/);
    }
  });

  test("are paused until a date, and another date is a change", async () => {
    const [active, paused] = [await enrolled(), await enrolled("paused")];
    const until = days(4).toISOString();

    expect((await bulk({ action: "pause", ids: [active, paused], until })).body).toMatchObject({ changed: 2 });

    for (const id of [active, paused]) expect(await read(id)).toMatchObject({ status: "paused", resume_at: until });
    expect((await bulk({ action: "pause", ids: [active], until })).body).toMatchObject({
      changed: 0,
      unchanged: [{ reason: "already_done" }],
    });
  });

  test("go on where their clocks stopped, each with its timer", async () => {
    const [one, two, active] = [await enrolled("paused"), await enrolled("paused"), await enrolled()];
    now = days(7);

    const { body } = await bulk({ action: "resume", ids: [one, two, active] });

    expect(body).toMatchObject({ changed: 2, unchanged: [{ id: active, reason: "already_done" }] });
    for (const id of [one, two]) {
      expect(await read(id)).toMatchObject({
        status: "active",
        step_executions: [{ status: "scheduled", due_at: days(10).toISOString() }],
      });
    }
  });

  test("are completed", async () => {
    const [active, paused, completed] = [await enrolled(), await enrolled("paused"), await enrolled("completed")];

    const { body } = await bulk({ action: "complete", ids: [active, paused, completed] });

    expect(body).toMatchObject({ changed: 2, unchanged: [{ id: completed, reason: "already_done" }] });
    for (const id of [active, paused]) {
      expect(await read(id)).toMatchObject({
        status: "completed",
        end_reason: "completed_by_operator",
        step_executions: [{ status: "skipped" }],
      });
    }
  });

  test.each([
    [undefined, "cancelled"],
    ["unsubscribed", "unsubscribed"],
    ["paused", "paused"],
  ])("are unenrolled with the status %s", async (asked, status) => {
    const [one, two, ended] = [await enrolled(), await enrolled(), await enrolled("completed")];

    const { body } = await bulk({ action: "unenroll", ids: [one, two, ended], ...(asked && { status: asked }) });

    expect(body).toMatchObject({ changed: 2, unchanged: [{ id: ended, reason: "enrollment_not_live" }] });
    for (const id of [one, two])
      expect(await read(id)).toMatchObject({ status, step_executions: [{ status: "skipped" }] });
  });

  test("are those that match the list's filters", async () => {
    const other = await running();
    const [early, late] = [await enrolled("active", other.id), await enrolled("active", other.id)];
    await pool.query("update sequence_enrollment set enrolled_at = $2 where id = $1", [early, days(-30)]);
    const elsewhere = await enrolled();

    const filter = { sequence: other.id, status: "active", enrolled_at__lt: days(-1).toISOString() };
    expect((await bulk({ action: "unenroll", filter })).body).toMatchObject({ matched: 1, changed: 1 });
    expect((await read(early)).status).toBe("cancelled");
    expect((await read(late)).status).toBe("active");
    const { contact, contact_email: search } = await read(late);
    expect((await bulk({ action: "pause", filter: { contact, search } })).body).toMatchObject({
      matched: 1,
      changed: 1,
    });
    expect((await bulk({ action: "pause", filter: { sequence: nobody } })).body).toMatchObject({
      matched: 0,
      changed: 0,
      unchanged: [],
    });
    expect((await read(elsewhere)).status).toBe("active");
  });

  test.each(["pause", "resume", "complete", "unenroll"])(
    "a dry run to %s says the same and writes nothing",
    async (action) => {
      const known = [await enrolled(), await enrolled("paused"), await enrolled("cancelled")];
      const before = await Promise.all(known.map(read));
      const ids = [...known, nobody];

      const dry = await bulk({ action, ids, dry_run: true });

      expect(await Promise.all(known.map(read))).toEqual(before);
      const done = await bulk({ action, ids });
      expect(done.body).toEqual({ ...dry.body, dry_run: false });
    },
  );

  test.each<[string, object, string]>([
    ["neither ids nor a filter", {}, "/ids"],
    ["both", { ids: [nobody], filter: { status: "active" } }, "/ids"],
    ["more ids than a call takes", { ids: Array.from({ length: 10_001 }, () => nobody) }, "/ids"],
    ["a filter of nothing", { filter: {} }, "/filter"],
    ["a filter that there is not", { filter: { status: "active", company: nobody } }, "/filter/company"],
    ["a time that is none", { filter: { status: "active", enrolled_at__lt: "yesterday" } }, "/filter/enrolled_at__lt"],
    ["a date that is not for this action", { action: "resume", ids: [nobody], until: days(1).toISOString() }, "/until"],
    ["a date that is over", { ids: [nobody], until: days(-1).toISOString() }, "/until"],
    ["a status that is not for this action", { ids: [nobody], status: "cancelled" }, "/status"],
    ["a status that unenrolling cannot lead to", { action: "unenroll", ids: [nobody], status: "completed" }, "/status"],
  ])("are not touched with %s", async (_, fields, pointer) => {
    now = testNow;
    const answer = await bulk({ action: "pause", ...fields });

    expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([{ pointer }]);
  });

  test("are refused if the filter matches more than a call takes, with the number; with fewer they all move", async () => {
    const crowded = await running();
    const insert = (count: number) =>
      pool.query(
        `with people as (
           insert into contact (id, email) select gen_random_uuid(), gen_random_uuid() || '@example.com' from generate_series(1, $2)
           returning id
         )
         insert into sequence_enrollment (id, sequence_id, version_id, contact_id, status, enrolled_at)
         select gen_random_uuid(), $1, (select v.id from sequence_version v where v.sequence_id = $1), p.id, 'active', now()
         from people p`,
        [crowded.id, count],
      );
    await insert(10_000);
    const last = await enrolled("active", crowded.id);
    const filter = { sequence: crowded.id };

    const problem = expectProblem(await bulk({ action: "pause", filter }), 422, "too_many_matches");

    expect(problem).toMatchObject({ count: 10_001, count_max: 10_000 });
    expect((await read(last)).status).toBe("active");
    await api.post(path(last, "unenroll/"), {});
    const done = await bulk({ action: "pause", filter: { ...filter, status: "active" } });
    expect(done.body).toMatchObject({ matched: 10_000, changed: 10_000, unchanged: [] });
  }, 120_000);
});

describe("at the same time", () => {
  test("calls with the same enrollments in another order, and one that archives the sequence, all come to an end", async () => {
    const own = await running();
    const ids: string[] = [];
    for (let index = 0; index < 12; index += 1) ids.push(await enrolled("active", own.id));

    const answers = await Promise.all([
      bulk({ action: "pause", ids }),
      bulk({ action: "complete", ids: ids.toReversed() }),
      bulk({ action: "unenroll", ids: ids.slice(3) }),
      api.send("POST", `/api/v1/email-sequences/${own.id}/archive/`),
      ...ids.slice(0, 4).map((id) => api.post(path(id, "pause/"), {})),
    ]);

    for (const { status } of answers) expect([200, 409]).toContain(status);
    for (const id of ids) {
      const after = await read(id);
      expect(["completed", "cancelled"]).toContain(after.status);
      expect(after.step_executions).toMatchObject([{ status: "skipped" }]);
    }
  });

  test("one and many that complete the same enrollment: it is completed once, and the other hears so", async () => {
    const id = await enrolled();

    const [many, one] = await Promise.all([
      bulk({ action: "complete", ids: [id] }),
      api.post(path(id, "complete/"), {}),
    ]);

    expect(many.status).toBe(200);
    expect((many.body.changed === 1) !== (one.status === 200)).toBe(true);
    expect((await read(id)).notes.match(/Completed by/g)).toHaveLength(1);
  });

  test("an action on many and a deletion: what is gone is not found, and nothing fails", async () => {
    const ids = [await enrolled("cancelled"), await enrolled(), await enrolled("cancelled")];

    const [acted, ...removed] = await Promise.all([
      bulk({ action: "complete", ids }),
      ...ids.map((id) => api.send("DELETE", path(id))),
    ]);

    expect(acted.body).toMatchObject({ matched: 3, changed: 1 });
    expect([removed[0]?.status, removed[2]?.status]).toEqual([204, 204]);
    expect([204, 409]).toContain(removed[1]?.status); // before or after it was completed
  });
});
