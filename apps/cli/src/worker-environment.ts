/**
 * The environment of a worker on the same machine as an API that has this one. They cannot be watched on the same port:
 * the worker takes the next one.
 */
export function workerEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { METRICS_PORT: port } = environment;
  return port ? { ...environment, METRICS_PORT: String(Number(port) + 1) } : environment;
}
