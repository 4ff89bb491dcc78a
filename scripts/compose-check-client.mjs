// What scripts/compose-check.sh asks the API and the inbox, from outside: API_URL, INBOX_URL and API_KEY say where. Without
// dependencies, so that any Node.js runs it, also the one in the image.
const { API_URL, INBOX_URL, API_KEY } = process.env;
const waitMillisecondsMax = 120_000;
const commands = { prepare, enroll, arrived, verdict };

const [command, ...given] = process.argv.slice(2);
try {
  await commands[command](...given);
} catch (error) {
  console.error(`${command}: ${error.message}${error.cause ? `: ${error.cause.message}` : ""}`);
  process.exitCode = 1;
}

/** Makes a sequence of one step that is due at once at any hour, and prints its id. */
async function prepare(name) {
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
    steps: [{ step_number: 1, name: "Welcome", email_template: email_template.id, delay_days: 0 }],
  });
  console.log(sequence.id);
}

/** Enrolls so many people, `perSecond` at most, five requests at a time. */
async function enroll(sequence_id, prefix, count, perSecond) {
  const startedAt = performance.now();
  let next = 0;
  const enrollSome = async () => {
    for (let number = next++; number < Number(count); number = next++) {
      await sleep(startedAt + (number * 1_000) / Number(perSecond) - performance.now());
      await post("/sequence-enrollments/enroll/", {
        sequence_id,
        contact: { email: `${prefix}-${number}@example.com`, first_name: `Person ${number}` },
      });
    }
  };
  await Promise.all([1, 2, 3, 4, 5].map(enrollSome));
  console.log(`${count} people were enrolled in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
}

/** Waits until so many emails to people of that prefix have arrived. */
async function arrived(prefix, count) {
  await until(`${count} emails to ${prefix}`, async () => (await messages(prefix)).length >= Number(count));
}

/**
 * Waits until every execution of a sequence has an outcome and judges: everybody accounted for, whoever is "sent" got
 * exactly one email, whoever is "in doubt" at most one, and at most `inDoubtMax` are in doubt. Prints one line.
 */
async function verdict(sequence, prefix, count, inDoubtMax) {
  const open = ["pending", "scheduled", "sending"];
  const rows = await until("an outcome of every email", async () => {
    const found = await all(`/sequence-executions/?sequence=${sequence}&page_size=100`);
    const isOver = found.length >= Number(count) && found.every(({ status }) => !open.includes(status));
    return isOver ? found : undefined;
  });
  const copies = new Map();
  for (const { envelope_to } of await messages(prefix)) {
    for (const to of envelope_to) copies.set(to, (copies.get(to) ?? 0) + 1);
  }
  const of = (status) => rows.filter((row) => row.status === status);
  const [sent, inDoubt] = [of("sent"), of("in_doubt")];
  const others = rows.filter(({ status }) => !["sent", "in_doubt"].includes(status));
  const people = new Set(rows.map(({ contact_email }) => contact_email));
  const lost = sent.filter(({ contact_email }) => !copies.has(contact_email));
  const twice = [...copies].filter(([, number]) => number > 1);
  const doubtfulArrived = inDoubt.filter(({ contact_email }) => copies.has(contact_email)).length;

  const wrong = [
    people.size === Number(count) ? "" : `${people.size} people instead of ${count}`,
    lost.length === 0 ? "" : `sent, but never arrived: ${names(lost.map(({ contact_email }) => contact_email))}`,
    twice.length === 0 ? "" : `arrived more than once: ${names(twice.map(([to]) => to))}`,
    others.length === 0
      ? ""
      : `neither sent nor in doubt: ${names(others.map((row) => `${row.contact_email} (${row.status})`))}`,
    inDoubt.length <= Number(inDoubtMax) ? "" : `${inDoubt.length} in doubt instead of at most ${inDoubtMax}`,
  ].filter((sentence) => sentence !== "");
  const doubts =
    inDoubt.length === 0 ? "none in doubt" : `${inDoubt.length} in doubt (${doubtfulArrived} of them arrived)`;
  console.log(
    `${people.size} people: ${sent.length} sent, ${doubts}; ${copies.size} got an email, ${twice.length} got two`,
  );
  if (wrong.length > 0) throw new Error(wrong.join("; "));
}

function names(list) {
  return `${list.slice(0, 5).join(", ")}${list.length > 5 ? ` and ${list.length - 5} more` : ""}`;
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

async function post(path, body) {
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
  return json(await fetch(`${API_URL}/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function json(response) {
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
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
