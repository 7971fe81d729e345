import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { run } from "./bundle.js";
import { Problem } from "./problem.js";

const TEST = /\.test\.(m?js|m?ts)$/;

/** Bundles the tests of a project, TypeScript too, and runs them; answers the exit code. */
export async function test(project, named) {
  const files = named.length > 0 ? named : await find(project);
  if (files.length === 0)
    throw new Problem("there are no tests: none of the files is called *.test.js or *.test.ts");
  // Beside the project's node_modules, so that what is not bundled is found.
  const folder = await mkdtemp(join(project, ".socklet-guest-test-"));
  try {
    await run(project, {
      entryPoints: files,
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      sourcemap: "inline",
    });
    const built = (await readdir(folder, { recursive: true })).filter((file) =>
      file.endsWith(".mjs"),
    );
    const paths = built.map((file) => relative(project, join(folder, file)));
    return await new Promise((resolve) => {
      const child = spawn(process.execPath, ["--enable-source-maps", "--test", ...paths], {
        cwd: project,
        stdio: "inherit",
      });
      child.on("exit", (code) => resolve(code ?? 1));
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function find(project) {
  const all = await readdir(project, { recursive: true });
  return all.filter(
    (file) => TEST.test(file) && !/(^|[\\/])(node_modules|vendor|build|\.[^\\/]*)[\\/]/.test(file),
  );
}
