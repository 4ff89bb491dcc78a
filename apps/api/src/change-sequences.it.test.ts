import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url, pool } = await freshDatabase();
let now = testNow;
const api = await startApi(url, { now: () => now });
const make = makers(api);
const bulk = (body: object, headers: Record<string, string> = {}) =>
  api.post("/api/v1/email-sequences/bulk/", body, headers);
const read = async (id: string) => (await api.get(`/api/v1/email-sequences/${id}/`)).body;
const executionOf = async (enrollmentId: string) =>
  (await api.get(`/api/v1/sequence-enrollments/${enrollmentId}/`)).body.step_executions[0];
const days = (count: number) => new Date(testNow.getTime() + count * 86_400_000);

const withStatus = async (status: string, name = "Plain") => make.sequence([3], { status, name });

async function running(name = "Running") {
  now = testNow;
  const windows = [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "00:00", end: "24:00" }));
  const schedule = await make.schedule({ windows, spread_minutes: 0 });
  const sequence = await make.sequence([3], { schedule: schedule.id, name });
  const enrollment = await make.enroll({ sequence_id: sequence.id, contact_id: (await make.contact()).id });
  return { id: sequence.id as string, enrollmentId: enrollment.id as string };
}

const changed = (id: string, status: string) => ({ id, outcome: "changed", status, reason: null });
const unchanged = (id: string, status: string | null, reason: string) => ({ id, outcome: "unchanged", status, reason });

describe("many sequences at once", () => {
  test("are paused and go on with everybody in them, and each says what became of it", async () => {
    const [one, two] = [await running(), await running()];
    const [paused, archived] = [await withStatus("paused"), await withStatus("archived")];
    const ids = [one.id, paused.id, archived.id, nobody, two.id];

    const pausing = await bulk({ action: "pause", ids });

    expect(pausing.status).toBe(200);
    expect(pausing.body).toMatchObject({ action: "pause", dry_run: false, matched: 5, changed: 2 });
    expect(pausing.body.results).toMatchObject([
      changed(one.id, "paused"),
      unchanged(paused.id, "paused", "already_done"),
      unchanged(archived.id, "archived", "sequence_archived"),
      unchanged(nobody, null, "not_found"),
      changed(two.id, "paused"),
    ]);
    for (const each of [one, two]) {
      expect(await executionOf(each.enrollmentId)).toMatchObject({ hold_reason: "sequence_paused" });
    }

    now = days(7);
    const activating = await bulk({ action: "activate", ids: [one.id, two.id, archived.id] });
    expect(activating.body.results).toMatchObject([
      changed(one.id, "active"),
      changed(two.id, "active"),
      changed(archived.id, "active"),
    ]);
    for (const each of [one, two]) {
      expect(await executionOf(each.enrollmentId)).toMatchObject({
        status: "scheduled",
        due_at: days(10).toISOString(),
      });
    }
  });

  test("are archived, and everybody in them is out", async () => {
    const [one, two] = [await running(), await running()];

    const { body } = await bulk({ action: "archive", ids: [one.id, two.id] });

    expect(body).toMatchObject({ matched: 2, changed: 2 });
    for (const each of [one, two]) {
      expect(await read(each.id)).toMatchObject({ status: "archived", active_enrollments: 0 });
      expect(await executionOf(each.enrollmentId)).toMatchObject({ status: "skipped" });
    }
  });

  test("are those that match the list's filters", async () => {
    const [one, two] = [await running("Trial of March"), await running("Trial of April")];
    const archived = await withStatus("archived", "Trial of May");
    const other = await running("Onboarding");

    const { body } = await bulk({ action: "pause", filter: { search: "trial of", status: "active" } });

    expect(body.results.map(({ id }: { id: string }) => id).sort()).toEqual([one.id, two.id].sort());
    expect((await read(archived.id)).status).toBe("archived");
    expect((await read(other.id)).status).toBe("active");
    expect((await bulk({ action: "pause", filter: { search: "nothing of the kind" } })).body).toMatchObject({
      matched: 0,
      changed: 0,
      results: [],
    });
  });

  test("are named twice and changed once", async () => {
    const { id } = await running();

    expect((await bulk({ action: "pause", ids: [id, id.toUpperCase()] })).body).toMatchObject({
      matched: 1,
      changed: 1,
    });
  });

  test("a dry run says the same and writes nothing", async () => {
    const [one, archived] = [await running(), await withStatus("archived")];
    const before = [await read(one.id), await executionOf(one.enrollmentId)];
    const request = { action: "pause", ids: [one.id, archived.id, nobody] };

    const dry = await bulk({ ...request, dry_run: true });

    expect([await read(one.id), await executionOf(one.enrollmentId)]).toEqual(before);
    const done = await bulk(request);
    expect(done.body).toEqual({ ...dry.body, dry_run: false });
    expect(dry.body).toMatchObject({ dry_run: true, changed: 1 });
  });

  test("the audit log has which ones changed", async () => {
    const [one, archived] = [await running(), await withStatus("archived")];

    await bulk({ action: "pause", ids: [one.id, archived.id] });

    const { rows } = await pool.query("select data from audit_log where action = 'changeSequences' order by id");
    expect(rows.at(-1)?.data).toEqual({ action: "pause", dry_run: false, changed: [one.id] });
  });

  test.each<[string, object, string]>([
    ["neither ids nor a filter", {}, "/ids"],
    ["both", { ids: [nobody], filter: { status: "active" } }, "/ids"],
    ["no id", { ids: [] }, "/ids"],
    ["more than a thousand ids", { ids: Array.from({ length: 1_001 }, () => nobody) }, "/ids"],
    ["a filter of nothing", { filter: {} }, "/filter"],
    ["a filter that there is not", { filter: { status: "active", name: "x" } }, "/filter/name"],
    ["an action that there is not", { ids: [nobody], action: "delete" }, "/action"],
  ])("are not changed with %s", async (_, fields, pointer) => {
    const answer = await bulk({ action: "pause", ...fields });

    expect(expectProblem(answer, 422, "validation_failed").errors).toMatchObject([{ pointer }]);
  });

  test("are refused if the filter matches more than a call takes, with the number", async () => {
    await pool.query(
      `insert into email_sequence (id, name, schedule_id)
       select gen_random_uuid(), 'Far too many', (select id from schedule limit 1) from generate_series(1, 1001)`,
    );

    const problem = expectProblem(
      await bulk({ action: "archive", filter: { search: "far too many" } }),
      422,
      "too_many_matches",
    );

    expect(problem).toMatchObject({ count: 1_001, count_max: 1_000 });
    const { rows } = await pool.query(
      "select count(*)::int as count from email_sequence where name = 'Far too many' and status = 'active'",
    );
    expect(rows).toEqual([{ count: 1_001 }]);
  });
});

test("two calls at once with the same sequences in another order both succeed, and each change is one call's", async () => {
  const sequences = [];
  for (let index = 0; index < 6; index += 1) sequences.push(await running());
  const ids = sequences.map(({ id }) => id);

  const answers = await Promise.all([
    bulk({ action: "pause", ids }),
    bulk({ action: "pause", ids: ids.toReversed() }),
    ...ids.map((id) => api.send("POST", `/api/v1/email-sequences/${id}/pause/`)),
  ]);

  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  for (const id of ids) expect(await read(id)).toMatchObject({ status: "paused", revision: 2 });
});
