import { freshDatabase } from "@dripline/testkit/database";
import { describe, expect, test } from "vitest";
import { expectProblem, makers, nobody } from "./testing/make.ts";
import { startApi, testNow } from "./testing/start-api.ts";

const { url } = await freshDatabase();
const api = await startApi(url);
const make = makers(api);

const remove = (id: string) => api.send("DELETE", `/api/v1/schedules/${id}/`);
const places = (body: { errors: { pointer: string }[] }) => body.errors.map(({ pointer }) => pointer);
const week = [1, 2, 3, 4, 5].map((weekday) => ({ weekday, start: "09:00", end: "17:00" }));

describe("a schedule that is replaced", () => {
  const whole = { name: "Replaced", timezone: "UTC", windows: [] };
  const put = (id: string, body: object) => api.send("PUT", `/api/v1/schedules/${id}/`, { body });

  test("by another one's name: refused with whose it is, and nothing is written", async () => {
    const [mine, other] = [await make.schedule(), await make.schedule()];

    const problem = expectProblem(await put(mine.id, { ...whole, name: other.name.toUpperCase() }), 409, "name_taken");

    expect(problem.existing_id).toBe(other.id);
    expect((await api.get(`/api/v1/schedules/${mine.id}/`)).body).toEqual(mine);
  });

  test("by one that contradicts itself: refused with its place", async () => {
    const { id } = await make.schedule();
    const date = "2026-12-24";
    const special_hours = [{ date, windows: [{ start: "09:00", end: "12:00" }] }];

    const problem = expectProblem(
      await put(id, { ...whole, closed_dates: [date], special_hours }),
      422,
      "validation_failed",
    );

    expect(places(problem)).toEqual(["/special_hours/0/date"]);
  });

  test("stays the default if it is", async () => {
    const { schedule: id } = await make.sequence();

    expect((await put(id, { ...whole, windows: week, timezone: "Asia/Bangkok" })).body.is_default).toBe(true);
  });
});

describe("a schedule is not deleted", () => {
  test("while sequences follow it: the answer names them", async () => {
    const { id } = await make.schedule();
    const sequences = [
      await make.sequence([0], { name: "B", schedule: id }),
      await make.sequence([0], { name: "a", schedule: id }),
    ];

    const problem = expectProblem(await remove(id), 409, "in_use");

    expect(problem.used_by).toEqual(["email-sequences"]);
    expect(problem.sequences).toEqual(sequences.reverse().map(({ id: sequence, name }) => ({ id: sequence, name })));
    expect(problem.detail).toContain("a, B");
  });

  test("if it is the default, used or not", async () => {
    const { schedule: id } = await make.sequence();
    const { id: other } = await make.schedule();
    expect(expectProblem(await remove(id), 409, "in_use").used_by).toEqual(["default"]);
    await api.database.query("update email_sequence set schedule_id = $1 where schedule_id = $2", [other, id]);

    expect(expectProblem(await remove(id), 409, "in_use").used_by).toEqual(["default"]);
    expect((await api.get(`/api/v1/schedules/${id}/`)).status).toBe(200);
  });
});

describe("the next openings of a schedule", () => {
  const openings = (id: string, query = "") => api.get(`/api/v1/schedules/${id}/next-openings/${query}`);

  test("are told in UTC and in local time, five from now on unless asked otherwise", async () => {
    const { id } = await make.schedule({ timezone: "Asia/Bangkok", windows: week });

    const { status, body } = await openings(id);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      from: testNow.toISOString(),
      timezone: "Asia/Bangkok",
      timezone_source: "schedule",
      is_open: true,
      closed_days: [],
      problem: null,
    });
    expect(body.results).toHaveLength(5);
    expect(body.results[0]).toEqual({
      starts_at: "2026-11-23T02:00:00.000Z",
      ends_at: "2026-11-23T10:00:00.000Z",
      local_start: "2026-11-23T09:00:00+07:00",
      local_end: "2026-11-23T17:00:00+07:00",
    });
  });

  test("begin where they are asked to, as many as are asked for, with the reason of closed days", async () => {
    const { id } = await make.schedule({
      timezone: "Europe/Berlin",
      windows: week,
      holidays: { country: "DE" },
      closed_dates: ["2026-12-23"],
      special_hours: [{ date: "2026-12-24", windows: [{ start: "09:00", end: "12:00" }] }],
    });

    const { body } = await openings(id, "?from=2026-12-22T23:30:00%2B01:00&count=2");

    expect(body).toMatchObject({ from: "2026-12-22T22:30:00.000Z", is_open: false });
    expect(body.results.map((opening: { local_start: string }) => opening.local_start)).toEqual([
      "2026-12-24T09:00:00+01:00",
      "2026-12-28T09:00:00+01:00",
    ]);
    expect(body.closed_days).toEqual([
      { date: "2026-12-23", kind: "closed_date", holiday_name: null, closed_from: null },
      { date: "2026-12-24", kind: "special_hours", holiday_name: null, closed_from: null },
      { date: "2026-12-25", kind: "holiday", holiday_name: "Christmas Day", closed_from: null },
    ]);
  });

  test.each([
    [true, "Asia/Tokyo", "contact", "2026-11-24T09:00:00+09:00"],
    [false, "UTC", "schedule", "2026-11-24T09:00:00+00:00"],
  ])("are read in somebody's own zone if the schedule says so (%s)", async (uses, timezone, source, local) => {
    const { id } = await make.schedule({ windows: week, uses_contact_timezone: uses });

    const { body } = await openings(id, "?timezone=Asia/Tokyo&from=2026-11-23T20:00:00Z&count=1");

    expect(body).toMatchObject({ timezone, timezone_source: source, results: [{ local_start: local }] });
  });

  test("that there are not are explained: the emails would be held", async () => {
    const { id } = await make.schedule({ windows: [] });
    expect((await openings(id)).body).toMatchObject({
      is_open: false,
      results: [],
      problem: { reason: "window_never_opens", message: expect.stringContaining("400 days") },
    });

    await api.database.query(`update schedule set holidays = '{"country": "XX", "region": null}' where id = $1`, [id]);
    expect((await openings(id)).body).toMatchObject({
      results: [],
      problem: { reason: "unknown_holiday_calendar" },
    });
  });

  test.each([
    ["count", "0"],
    ["count", "51"],
    ["count", "many"],
    ["from", "tomorrow"],
    ["from", "1999-12-31T00:00:00Z"],
    ["timezone", "Mars/Base"],
  ])("are refused for ?%s=%s", async (name, value) => {
    const { id } = await make.schedule();

    expect(places(expectProblem(await openings(id, `?${name}=${value}`), 400, "invalid_query"))).toEqual([`/${name}`]);
  });

  test("of a schedule that does not exist are not found", async () => {
    expectProblem(await openings(nobody), 404, "not_found");
  });
});
