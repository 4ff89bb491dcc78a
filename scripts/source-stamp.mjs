import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Changes when the lockfile does, or when the directory is used by another platform (a container, say). */
export function dependencyStamp(root) {
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}`);
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/**
 * Changes when a source or a setting of the build may have: names, sizes and times of change, which takes milliseconds
 * where contents would take seconds. Wrong only in the harmless direction; turbo then finds that nothing changed.
 */
export function sourceStamp(root) {
  const hash = createHash("sha256").update(dependencyStamp(root));
  const add = (path) => {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path.slice(root.length)}\0${mtimeMs}\0${size}\n`);
  };
  for (const file of ["tsconfig.base.json", "turbo.json"]) add(join(root, file));
  for (const directory of packageDirectories(root)) {
    add(join(directory, "package.json"));
    add(join(directory, "tsconfig.json"));
    if (existsSync(join(directory, "bundle.mjs"))) add(join(directory, "bundle.mjs"));
    for (const path of sources(join(directory, "src"))) add(path);
  }
  return hash.digest("hex");
}

/** Whether every package has something built at all; `dist` can be deleted without a source changing. */
export function isEverythingBuilt(root) {
  return packageDirectories(root).every((directory) => existsSync(join(directory, "dist")));
}

function packageDirectories(root) {
  return ["apps", "packages"].flatMap((group) =>
    readdirSync(join(root, group))
      .sort()
      .map((name) => join(root, group, name))
      .filter((directory) => existsSync(join(directory, "package.json"))),
  );
}

function sources(directory) {
  return readdirSync(directory, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return sources(path);
      return entry.name.endsWith(".test.ts") ? [] : [path];
    });
}
