import type { RedisClient } from "@dripline/queue/redis-connection";
import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "./deps.ts";
import { ProblemError } from "./problem-error.ts";

/** How many requests are answered in a minute. */
export interface RequestLimits {
  /** Of one API key that has no limit of its own; null: any number. */
  readonly perKeyMax: number | null;
  /** Without a valid key, from one address (IPv6: one /64); null: any number. */
  readonly perStrangerMax: number | null;
  /** Where all API processes count together; null: each counts for itself. */
  readonly redis: RedisClient | null;
}

export interface LimitRequests {
  /** @throws ProblemError `rate_limited` if the key of this request has had its number in this minute */
  ofKey(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** @throws ProblemError `rate_limited` if too many came from this address without a valid key in this minute */
  ofStranger(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

const windowMilliseconds = 60_000;

/** While Redis answers slowly or not at all, each process counts for itself, and asks again after that time. */
const patienceSeconds = 5;

/** How many keys and addresses one process remembers; whoever is forgotten begins a new minute. */
const rememberedMax = 10_000;

type Count = ReturnType<FastifyInstance["createRateLimit"]>;

/**
 * Counts requests, by API key or else by address, in windows of a minute that begin with a first request. What every
 * counted answer says of it: `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` in seconds
 * (draft-ietf-httpapi-ratelimit-headers-06). A valid key is let in whatever else comes from its address: behind a proxy
 * that is everybody's, and 160 bits are not found by trying.
 */
export async function limitRequests(
  app: FastifyInstance,
  { requestLimits: { perKeyMax, perStrangerMax, redis }, now, log }: Pick<Deps, "requestLimits" | "now" | "log">,
): Promise<LimitRequests> {
  const maxOf = ({ principal }: FastifyRequest) =>
    (principal === null ? perStrangerMax : (principal.apiKey.requestsPerMinuteMax ?? perKeyMax)) ?? 0;
  const options = {
    global: false,
    timeWindow: windowMilliseconds,
    cache: rememberedMax,
    keyGenerator: ({ principal, ip }: FastifyRequest) => principal?.id ?? `address:${rateLimit.normalizeIP(ip)}`,
    max: maxOf,
  };
  const here = await counter(app, options);
  const together = redis === null ? null : await counter(app, { ...options, redis, nameSpace: "{dripline}:requests:" });
  let aloneUntil = 0;

  const count: Count = async (request) => {
    const at = now().getTime();
    if (together === null || redis?.status !== "ready" || at < aloneUntil) return here(request);
    try {
      return await together(request);
    } catch (err) {
      aloneUntil = at + patienceSeconds * 1_000;
      log.warn({ err }, "Redis does not count requests; each process counts for itself until it does");
      return here(request);
    }
  };

  const limit = async (request: FastifyRequest, reply: FastifyReply, detail: (max: number) => string) => {
    if (maxOf(request) === 0) return; // no limit
    const counted = await count(request);
    if (counted.isAllowed) return;
    reply.headers({
      "ratelimit-limit": counted.max,
      "ratelimit-remaining": counted.remaining,
      "ratelimit-reset": counted.ttlInSeconds,
    });
    if (!counted.isExceeded) return;
    throw new ProblemError("rate_limited", detail(counted.max), {
      retryAfterSeconds: Math.max(1, counted.ttlInSeconds),
    });
  };
  return {
    ofKey: (request, reply) =>
      limit(request, reply, (max) => `This API key may send ${max} requests a minute, and has. Wait, then go on.`),
    ofStranger: (request, reply) =>
      limit(
        request,
        reply,
        (max) => `From your address came more than ${max} requests a minute without a valid API key. Wait, then go on.`,
      ),
  };
}

/** The plugin makes one counter per context. */
async function counter(app: FastifyInstance, options: Parameters<typeof rateLimit>[1]): Promise<Count> {
  let count: Count | undefined;
  await app.register(async (context) => {
    await context.register(rateLimit, options);
    count = context.createRateLimit();
  });
  if (count === undefined) throw new Error("the plugin that counts requests was not registered");
  return count;
}
