import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Problem } from "./problem.js";

/** Checks the types of a project that has a tsconfig.json, and shows errors as tsc does. */
export async function checkTypes(project) {
  if (!existsSync(join(project, "tsconfig.json"))) return;
  const compiler = findCompiler(project);
  const { status, error } = spawnSync(
    process.execPath,
    [compiler, "--noEmit", "--project", "tsconfig.json"],
    { cwd: project, stdio: "inherit" },
  );
  if (error !== undefined) throw new Problem(`tsc could not be run: ${error.message}`);
  if (status !== 0) throw new Problem("");
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
