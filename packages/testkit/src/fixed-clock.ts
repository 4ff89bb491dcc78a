import pg from "pg";

/** The clock of one test database, and of the code under test beside it: it stands still until a test moves it. */
export interface FixedClock {
  /** For `deps.now`: the same instant as the database's. */
  now(): Date;
  /** Forward or back. The statements that run after it has returned see the new instant. */
  jumpTo(at: Date): Promise<void>;
}

/**
 * Makes a test database's clock stand still at `start`: `now()`, `statement_timestamp()` and `clock_timestamp()` without a
 * schema, as our statements and column defaults write them, answer it in every connection that is opened from here on. PostgreSQL's own
 * (`pg_catalog.now()`, pg_stat_activity, timeouts) go on. For databases of `freshDatabase`, whose role may do this.
 * @throws when somebody is connected already: their connection would keep the real clock.
 */
export async function fixClock(url: string, start: Date): Promise<FixedClock> {
  let at = start;
  await onConnection(url, async (client) => {
    await refuseOthers(client);
    await client.query(standStill);
    await set(client, at);
    await client.query(followWithDefaults);
  });
  return {
    now: () => new Date(at),
    async jumpTo(next) {
      await onConnection(url, (client) => set(client, next));
      at = next;
    },
  };
}

// Functions that are found before those of pg_catalog. VOLATILE: each call looks at the clock again, as the real
// clock_timestamp() does, also where a statement had to wait for another one.
const standStill = `
  create schema clock;
  create table clock.instant (at timestamptz not null);
  create function clock.clock_timestamp() returns timestamptz language sql volatile as 'select at from clock.instant';
  create function clock.statement_timestamp() returns timestamptz language sql stable as 'select at from clock.instant';
  create function clock.now() returns timestamptz language sql stable as 'select at from clock.instant';
  do $$ begin
    execute format('alter database %I set search_path = clock, pg_catalog, public', current_database());
  end $$`;

// A column's default remembers the function that its name meant when the table was made, not the name.
const followWithDefaults = `
  do $$ declare d record; begin
    for d in select attrelid::regclass as relation, attname as name
             from pg_attrdef join pg_attribute on attrelid = adrelid and attnum = adnum
             join pg_class c on c.oid = adrelid
             where c.relnamespace = 'public'::regnamespace and pg_get_expr(adbin, adrelid) = 'now()'
    loop
      execute format('alter table %s alter column %I set default clock.now()', d.relation, d.name);
    end loop;
  end $$`;

async function refuseOthers(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query(
    `select from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
  if (rowCount !== 0) throw new Error("fixClock: call it before anything connects to the database");
}

async function set(client: pg.Client, at: Date): Promise<void> {
  await client.query("with gone as (delete from clock.instant) insert into clock.instant (at) values ($1)", [at]);
}

async function onConnection(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
