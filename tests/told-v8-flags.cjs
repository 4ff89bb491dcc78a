// Preloaded into a process to hear what V8 is told after the start, which cannot be asked of it afterwards.
const { syncBuiltinESMExports } = require("node:module");
const v8 = require("node:v8");

const { setFlagsFromString } = v8;
v8.setFlagsFromString = (flags) => {
  setFlagsFromString(flags);
  process.stdout.write(`V8 is told ${flags}\n`);
};
syncBuiltinESMExports();
