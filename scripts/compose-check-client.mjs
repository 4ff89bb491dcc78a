// What scripts/compose-check.sh asks the API and the inbox, from outside: API_URL, INBOX_URL and API_KEY say where. Without
// dependencies, so that any Node.js runs it, also the one in the image.
const { API_URL, INBOX_URL, API_KEY } = process.env;
const waitMillisecondsMax = 180_000;
const commands = { prepare, enroll, arrived, verdict };

const [command, ...given] = process.argv.slice(2);
try {
  await commands[command](...given);
} catch (error) {
  console.error(`${command}: ${error.message}${error.cause ? `: ${error.cause.message}` : ""}`);
  process.exitCode = 1;
}

/** Makes a sequence of steps at any hour, the first due at once and each other a minute later, and prints its id. */
async function prepare(name, steps = 1) {
  const everyDay = [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, start: "00:00", end: "24:00" }));
  const schedule = await post("/schedules/", { name: `Always (${name})`, timezone: "UTC", windows: everyDay });
  const email_template = await post("/email-templates/", {
    name,
    subject: "Hello {{ contact.first_name }}",
    mjml: "<mjml><mj-body><mj-section><mj-column><mj-text>Dear {{ contact.first_name }}</mj-text></mj-column></mj-section></mj-body></mjml>",
  });
  const sequence = await post("/email-sequences/", {
    name,
    schedule: schedule.id,
    steps: Array.from({ length: Number(steps) }, (_, at) => ({
      step_number: at + 1,
      name: `Step ${at + 1}`,
      email_template: email_template.id,
      delay: { value: Math.min(at, 1), unit: "minutes" },
    })),
  });
  console.log(sequence.id);
}

/**
 * Enrolls so many people, `perSecond` at most, five requests at a time. A request that the API could not answer, since it is
 * being replaced, is repeated as docs/api.md says.
 */
async function enroll(sequence_id, prefix, count, perSecond) {
  const startedAt = performance.now();
  let next = 0;
  let repeated = 0;
  const enrollSome = async () => {
    for (let number = next++; number < Number(count); number = next++) {
      await sleep(startedAt + (number * 1_000) / Number(perSecond) - performance.now());
      const email = `${prefix}-${number}@example.com`;
      const body = { sequence_id, contact: { email, first_name: `Person ${number}` } };
      await until(`an answer for ${email}`, async () => {
        try {
          return await post("/sequence-enrollments/enroll/", body, { "idempotency-key": `${sequence_id} ${email}` });
        } catch (error) {
          const passes =
            error instanceof TypeError || error.status >= 500 || /idempotency_in_progress/.test(error.message);
          if (!passes) throw error;
          repeated += 1;
          return undefined;
        }
      });
    }
  };
  await Promise.all([1, 2, 3, 4, 5].map(enrollSome));
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`${count} people were enrolled in ${seconds} s, ${repeated} requests were repeated`);
}

/** Waits until so many emails to people of that prefix have arrived. */
async function arrived(prefix, count) {
  await until(`${count} emails to ${prefix}`, async () => (await messages(prefix)).length >= Number(count));
}

/**
 * Waits until every execution of a sequence has an outcome and judges: everybody accounted for at each of so many steps,
 * what is "sent" arrived exactly once, what is "in doubt" at most once, nothing else arrived, and at most `inDoubtMax` are in
 * doubt. Prints one line.
 */
async function verdict(sequence, prefix, count, inDoubtMax, steps = 1) {
  const open = ["pending", "scheduled", "sending"];
  const emails = Number(count) * Number(steps);
  const rows = await until("an outcome of every email", async () => {
    const found = await all(`/sequence-executions/?sequence=${sequence}&page_size=100`);
    const isOver = found.length >= emails && found.every(({ status }) => !open.includes(status));
    return isOver ? found : undefined;
  });
  const copies = new Map(rows.map(({ message_id }) => [message_id, 0]));
  const strays = [];
  for (const { envelope_to, message_id } of await messages(prefix)) {
    if (copies.has(message_id)) copies.set(message_id, copies.get(message_id) + 1);
    else strays.push(envelope_to.join(", "));
  }
  const arrived = (row) => copies.get(row.message_id);
  const of = (status) => rows.filter((row) => row.status === status);
  const [sent, inDoubt] = [of("sent"), of("in_doubt")];
  const others = rows.filter(({ status }) => !["sent", "in_doubt"].includes(status));
  const people = new Set(rows.map(({ contact_email }) => contact_email));
  const lost = sent.filter((row) => arrived(row) === 0);
  const twice = rows.filter((row) => arrived(row) > 1);

  const wrong = [
    people.size === Number(count) ? "" : `${people.size} people instead of ${count}`,
    rows.length === emails ? "" : `${rows.length} emails instead of ${emails}`,
    lost.length === 0 ? "" : `sent, but never arrived: ${names(lost)}`,
    twice.length === 0 ? "" : `arrived more than once: ${names(twice)}`,
    strays.length === 0 ? "" : `arrived, and nobody was to get it: ${some(strays)}`,
    others.length === 0 ? "" : `neither sent nor in doubt: ${names(others)}`,
    inDoubt.length <= Number(inDoubtMax) ? "" : `${inDoubt.length} in doubt instead of at most ${inDoubtMax}`,
  ].filter((sentence) => sentence !== "");
  const doubts =
    inDoubt.length === 0
      ? "none in doubt"
      : `${inDoubt.length} in doubt (${inDoubt.filter(arrived).length} of them arrived)`;
  console.log(
    `${people.size} people, ${emails} emails: ${sent.length} sent, ${doubts}; ${rows.filter(arrived).length} arrived, ${twice.length} twice`,
  );
  if (wrong.length > 0) throw new Error(wrong.join("; "));
}

function names(rows) {
  return some(rows.map((row) => `${row.contact_email}, step ${row.step_number} (${row.status})`));
}

function some(list) {
  return `${list.slice(0, 5).join("; ")}${list.length > 5 ? ` and ${list.length - 5} more` : ""}`;
}

async function messages(prefix) {
  const { messages: found } = await json(
    await fetch(`${INBOX_URL}/api/messages?to=${encodeURIComponent(`${prefix}-`)}`),
  );
  return found;
}

async function all(path) {
  const found = [];
  for (let url = `${API_URL}/api/v1${path}`; url !== null; ) {
    const page = await json(await fetch(url, { headers: { authorization: `Bearer ${API_KEY}` } }));
    found.push(...page.results);
    url = page.next;
  }
  return found;
}

async function post(path, body, more = {}) {
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json", ...more };
  return json(await fetch(`${API_URL}/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function json(response) {
  if (!response.ok) {
    const error = new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
    throw Object.assign(error, { status: response.status });
  }
  return response.json();
}

async function until(what, look) {
  const deadline = performance.now() + waitMillisecondsMax;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited ${waitMillisecondsMax / 1_000} s in vain for ${what}`);
    await sleep(250);
  }
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}
