import { join } from "node:path";
import { atMost } from "./at-most.ts";
import { playScene, type SceneOptions, type SceneResult } from "./crash-scene.ts";
import { type CrashServices, dropPostgres, freshPostgres } from "./crash-services.ts";
import { type HealthyHost, startHealthyHost } from "./healthy-host.ts";

/** Each waits most of the time; a process that starts takes a second of a core. */
const scenesAtATimeMax = 10;

/** Workers whose scene is over go on sweeping; after so many their process is replaced. */
const workersPerHost = 10;

/** Plays many scenes, several at a time. */
export interface ScenePool {
  play(scene: Omit<SceneOptions, "logPath" | "databaseUrl">): Promise<SceneResult>;
  stop(): Promise<void>;
}

interface SharedHost {
  readonly host: Promise<HealthyHost>;
  readonly databases: string[];
  taken: number;
  left: number;
}

export function openScenePool(services: CrashServices, directory: string): ScenePool {
  const inTurn = atMost(scenesAtATimeMax);
  const open = new Set<SharedHost>();
  let newest: SharedHost | undefined;
  let scenes = 0;
  let hosts = 0;

  function takeHost(): SharedHost {
    if (newest === undefined || newest.taken === workersPerHost) {
      hosts += 1;
      newest = { host: startHealthyHost(join(directory, `healthy-${hosts}.log`)), databases: [], taken: 0, left: 0 };
      open.add(newest);
    }
    newest.taken += 1;
    return newest;
  }

  async function leave(shared: SharedHost): Promise<void> {
    shared.left += 1;
    if (shared.left < workersPerHost) return;
    await putAway(shared);
  }

  async function putAway(shared: SharedHost): Promise<void> {
    open.delete(shared);
    await (await shared.host).stop();
    for (const url of shared.databases) await dropPostgres(services, url);
  }

  return {
    play(scene) {
      scenes += 1;
      const logPath = join(directory, `scene-${scenes}.log`);
      return inTurn(async () => {
        const shared = takeHost();
        try {
          const databaseUrl = await freshPostgres(services);
          shared.databases.push(databaseUrl);
          return await playScene(services, await shared.host, { ...scene, databaseUrl, logPath });
        } finally {
          await leave(shared);
        }
      });
    },
    async stop() {
      for (const shared of open) await putAway(shared);
    },
  };
}
