// One image, role by argument: `api` (the default), `worker`, `all` (both together), `migrate`, or any other command of
// `dripline`.
const [role = "api", ...rest] = process.argv.slice(2);

if (role === "api" || role === "worker") {
  await import(`../apps/${role}/dist/main.js`);
} else {
  process.argv.splice(2, process.argv.length, role, ...rest);
  await import("../apps/cli/dist/main.js");
}
