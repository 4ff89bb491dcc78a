import { type Drained, drainWave } from "./drain.ts";
import { warmUpEmails } from "./message.ts";
import { type People, seedPeople } from "./people.ts";
import { keepTime, type Lateness, punctualityEmails } from "./punctuality.ts";
import type { Installation, InstallationPlace, Services } from "./services.ts";
import type { GrowthSizes } from "./sizes.ts";
import type { WorkerOptions } from "./warm-workers.ts";

export interface Growth {
  readonly few: number;
  readonly many: number;
  readonly rounds: readonly GrowthRound[];
}

/** The same measured with few people and with many waiting besides, one right after the other. */
interface GrowthRound {
  readonly few: Grown;
  readonly many: Grown;
}

interface Grown {
  readonly drained: Drained;
  readonly lateness: readonly Lateness[];
}

/**
 * Two installations stand side by side and are measured in turns, the one first and then the other, so that a machine that
 * becomes slower or faster meanwhile does it to both.
 */
export async function measureGrowth(
  services: Services,
  options: WorkerOptions & { readonly sizes: GrowthSizes; readonly say: (line: string) => void },
): Promise<Growth> {
  const { few, many, rounds } = options.sizes;
  const small = await openPlace(services, options.sizes, 1, few);
  try {
    options.say(`growth: writing and queueing ${many} enrollments`);
    const large = await openPlace(services, options.sizes, 2, many);
    try {
      const measured: GrowthRound[] = [];
      for (let round = 0; round < rounds; round += 1) {
        options.say(`growth: round ${round + 1} of ${rounds}`);
        measured.push(await measureRound(services, small, large, options, round % 2 === 0));
      }
      return { few, many, rounds: measured };
    } finally {
      await large.installation.remove();
    }
  } finally {
    await small.installation.remove();
  }
}

interface Place {
  readonly installation: Installation;
  readonly people: People;
}

async function openPlace(
  services: Services,
  { rounds, emails, punctuality }: GrowthSizes,
  place: InstallationPlace,
  waiting: number,
): Promise<Place> {
  const installation = await services.install("redis", place);
  const ready = rounds * (warmUpEmails + emails + punctualityEmails(punctuality));
  try {
    return { installation, people: await seedPeople(installation, { ready, waiting }) };
  } catch (error) {
    await installation.remove();
    throw error;
  }
}

async function measureRound(
  services: Services,
  small: Place,
  large: Place,
  options: WorkerOptions & { readonly sizes: GrowthSizes },
  isSmallFirst: boolean,
): Promise<GrowthRound> {
  const drain = ({ installation, people }: Place) =>
    drainWave(services, installation, people, { ...options, emails: options.sizes.emails });
  const punctual = ({ installation, people }: Place) =>
    keepTime(services, installation, people, { ...options, sizes: options.sizes.punctuality });
  const drained = await both(drain);
  const lateness = await both(punctual);
  return {
    few: { drained: drained.few, lateness: lateness.few },
    many: { drained: drained.many, lateness: lateness.many },
  };

  async function both<Result>(measure: (place: Place) => Promise<Result>): Promise<{ few: Result; many: Result }> {
    if (isSmallFirst) {
      const few = await measure(small);
      return { few, many: await measure(large) };
    }
    const many = await measure(large);
    return { few: await measure(small), many };
  }
}
