// The two engines that can be in a component.
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Problem } from "./problem.js";
import { restoreNames, standIn } from "./stand-in.js";
import { WORLD, writeWorld } from "./world.js";

const STARLINGMONKEY = "@bytecodealliance/componentize-js";
/** The shim is a package that componentize-js imports and does not name. */
const INSTALL_STARLINGMONKEY = `npm install --save-dev ${STARLINGMONKEY}@0.23.0 @bytecodealliance/preview2-shim@0.26.0`;

/** Makes a component of a bundle, as bundle.js answers it; answers its bytes. */
export async function componentize(project, bundle, options) {
  const wit = await mkdtemp(join(tmpdir(), "socklet-guest-"));
  try {
    return await (options.engine === "starlingmonkey"
      ? starlingmonkey(project, wit, bundle)
      : quickjs(wit, bundle, options));
  } finally {
    await rm(wit, { recursive: true, force: true });
  }
}

async function quickjs(wit, { source, imports, exports }, { optSize }) {
  const { componentize } = await import("componentize-qjs").catch((error) => {
    throw new Problem(
      `componentize-qjs can't be loaded (${error.message}): npm install. It has binaries for Linux, macOS and Windows`,
    );
  });
  await writeWorld(wit, imports, exports, standIn);
  try {
    const { component } = await componentize({
      witPath: wit,
      world: WORLD,
      jsSource: source,
      sync: true,
      optSize,
    });
    return restoreNames(component);
  } catch (error) {
    throw new Problem(`QuickJS: ${String(error.message).replace(/^[:\s]+/, "")}`);
  }
}

async function starlingmonkey(project, wit, { source, imports, exports }) {
  const path = findStarlingMonkey(project);
  const { componentize } = await import(pathToFileURL(path)).catch((error) => {
    throw new Problem(
      `${STARLINGMONKEY} can't be loaded (${error.message}): ${INSTALL_STARLINGMONKEY}`,
    );
  });
  await writeWorld(wit, imports, exports);
  try {
    const { component } = await componentize(source, {
      witPath: wit,
      worldName: WORLD,
      disableFeatures: ["http", "fetch-event"],
    });
    return component;
  } catch (error) {
    throw new Problem(`StarlingMonkey: ${error.message}`);
  }
}

/** The module in the project's node_modules, which `require.resolve` can't name: it is for `import` alone. */
function findStarlingMonkey(project) {
  const folders = createRequire(join(project, "package.json")).resolve.paths(STARLINGMONKEY);
  const found = folders
    .map((folder) => join(folder, STARLINGMONKEY))
    .find((folder) => existsSync(join(folder, "package.json")));
  if (found === undefined) {
    throw new Problem(
      `${STARLINGMONKEY} is missing, which --engine starlingmonkey needs: ${INSTALL_STARLINGMONKEY}`,
    );
  }
  const { exports, main } = JSON.parse(readFileSync(join(found, "package.json"), "utf8"));
  const entry = exports?.["."] ?? exports ?? main;
  return join(found, typeof entry === "string" ? entry : (entry.default ?? entry.import));
}
