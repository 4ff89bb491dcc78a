/** The address of a Redis for tests, or null when there is none. */
export function testRedis(): { url: string } | null {
  const url = process.env.DRIPLINE_TEST_REDIS_URL;
  return url === undefined ? null : { url };
}
