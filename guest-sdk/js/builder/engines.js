// The two engines that can be in a component.
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Problem } from "./problem.js";
import { restoreNames, standIn } from "./stand-in.js";
import { WORLD, writeWorld } from "./world.js";

const STARLINGMONKEY = "@bytecodealliance/componentize-js";
const STARLINGMONKEY_VERSION = "0.23.0";

/** Makes a component of a bundle, as bundle.js answers it; answers its bytes. */
export async function componentize(project, bundle, options) {
  const wit = await mkdtemp(join(tmpdir(), "socklet-guest-"));
  try {
    return await (options.engine === "starlingmonkey" ? starlingmonkey(project, wit, bundle) : quickjs(wit, bundle, options));
  } finally {
    await rm(wit, { recursive: true, force: true });
  }
}

async function quickjs(wit, { source, imports, exports }, { optSize }) {
  const { componentize } = await import("componentize-qjs");
  await writeWorld(wit, imports, exports, standIn);
  try {
    const { component } = await componentize({ witPath: wit, world: WORLD, jsSource: source, sync: true, optSize });
    return restoreNames(component);
  } catch (error) {
    throw new Problem(`QuickJS: ${String(error.message).replace(/^[:\s]+/, "")}`);
  }
}

async function starlingmonkey(project, wit, { source, imports, exports }) {
  const require = createRequire(join(project, "package.json"));
  let path;
  try {
    path = require.resolve(STARLINGMONKEY);
  } catch {
    throw new Problem(`${STARLINGMONKEY} is missing, which --engine starlingmonkey needs: npm install --save-dev ${STARLINGMONKEY}@${STARLINGMONKEY_VERSION}`);
  }
  const { componentize } = await import(pathToFileURL(path));
  await writeWorld(wit, imports, exports);
  try {
    const { component } = await componentize(source, { witPath: wit, worldName: WORLD, disableFeatures: ["http", "fetch-event"] });
    return component;
  } catch (error) {
    throw new Problem(`StarlingMonkey: ${error.message}`);
  }
}
