// Tells at its end which parts of OpenTelemetry's SDK a process has loaded: a worker that nobody follows must not pay for them.
process.on("exit", () => {
  const loaded = Object.keys(require.cache).filter((path) => /@opentelemetry[/+](sdk|exporter|otlp)/.test(path));
  process.stdout.write(`\nloaded of OpenTelemetry's SDK: ${loaded.length} files\n`);
});
