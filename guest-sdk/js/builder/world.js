// The world of one component: what its code imports, and what it exports.
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const WIT = fileURLToPath(new URL("../wit", import.meta.url));
const WASI = fileURLToPath(new URL("../wasi", import.meta.url));

export const WORLD = "component";

/**
 * Writes a package with the world `component` into a folder, beside all that it needs.
 * `renamed` is what an engine calls an interface of WASI.
 */
export async function writeWorld(folder, imports, exports, renamed = (text) => text) {
  const lines = [
    "package socklet:guest-component;",
    "",
    `world ${WORLD} {`,
    ...imports.map((name) => `  import ${name};`),
    ...exports.map((name) => `  export socklet:websocket/${name}@0.1.0;`),
    "}",
    "",
  ];
  await writeFile(join(folder, "world.wit"), renamed(lines.join("\n")));
  await cp(WIT, join(folder, "deps/socklet-websocket"), { recursive: true, dereference: true });
  for (const file of await readdir(WASI)) {
    const target = join(folder, "deps", `wasi-${basename(file, ".wit")}`);
    await mkdir(target, { recursive: true });
    await writeFile(join(target, file), renamed(await readFile(join(WASI, file), "utf8")));
  }
}
