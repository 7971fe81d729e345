// From a module to a component: check the types, find out what the module exports and what
// of the SDK it uses, and make a component of a world that has exactly this.
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { bundle } from "./bundle.js";
import { checkTypes } from "./check-types.js";
import { componentize } from "./engines.js";
import { Problem } from "./problem.js";
import { probe } from "./probe.js";

/** Builds the handler of a project; `options` as the command line has them. */
export async function build(project, options) {
  const began = performance.now();
  const manifest = await readManifest(project);
  const entry = await findEntry(project, options.entry, manifest);
  const output = resolve(
    project,
    options.output ?? join("build", `${nameOf(project, manifest)}.wasm`),
  );

  if (options.check) await checkTypes(project);
  const shape = await probe(project, entry);
  const bundled = await bundle(project, entry, shape, options);
  const component = await componentize(project, bundled, options);
  await writeWhole(output, component);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `${relative(project, output)}: ${Math.round(component.length / 1024)} KiB in ${seconds} s, exports ${bundled.exports.join(", ")}`,
  );
}

async function readManifest(project) {
  const path = join(project, "package.json");
  let text;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return {};
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(`${path}: is not JSON: ${error.message}`);
  }
}

async function findEntry(project, given, manifest) {
  const named = given ?? manifest.main;
  if (named === undefined) {
    throw new Problem(
      `${join(project, "package.json")}: has no "main" that says which module is the handler: add "main": "handler.js", or name it: socklet-guest build handler.js`,
    );
  }
  const entry = resolve(project, named);
  const found = await stat(entry).catch(() => undefined);
  if (!found?.isFile()) {
    throw new Problem(
      `${relative(project, entry)}: there is no such file, ${given === undefined ? 'which "main" of package.json names as the handler' : "which was to be built"}`,
    );
  }
  return entry;
}

function nameOf(project, manifest) {
  return (manifest.name ?? basename(project)).replace(/^@[^/]*\//, "");
}

/** A file that a running host watches is replaced at once, never half written. */
async function writeWhole(path, bytes) {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  await writeFile(partial, bytes);
  await rename(partial, path);
}
