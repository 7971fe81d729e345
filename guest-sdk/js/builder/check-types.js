import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Problem } from "./problem.js";

/** The most that is read of what the compiler says. */
const MOST = 16 * 1024 * 1024;
const NO_NODE =
  'Node\'s types would not help: a component has none of its modules and globals. See "What is not there" in the README of @socklet/guest';

/** Checks the types of a project that has a tsconfig.json, and shows errors as tsc does. */
export async function checkTypes(project) {
  if (!existsSync(join(project, "tsconfig.json"))) return;
  const compiler = findCompiler(project);
  const { status, error, stdout } = spawnSync(
    process.execPath,
    [
      compiler,
      "--noEmit",
      "--project",
      "tsconfig.json",
      "--pretty",
      String(process.stdout.isTTY === true),
    ],
    { cwd: project, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8", maxBuffer: MOST },
  );
  if (error !== undefined) throw new Problem(`tsc could not be run: ${error.message}`);
  process.stdout.write(stdout);
  if (status === 0) return;
  // Where it advises to install Node's types.
  throw new Problem(/@types\/node/.test(stdout) ? NO_NODE : "");
}

function findCompiler(project) {
  const require = createRequire(join(project, "package.json"));
  try {
    const path = require.resolve("typescript/package.json");
    const { bin } = JSON.parse(readFileSync(path, "utf8"));
    return join(dirname(path), typeof bin === "string" ? bin : bin.tsc);
  } catch {
    throw new Problem(
      "tsconfig.json is there, and typescript is not: npm install --save-dev typescript, or build with --no-check",
    );
  }
}
