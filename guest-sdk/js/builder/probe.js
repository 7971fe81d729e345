// What a module exports is found by running it, in a process of its own: a class may get
// its `onAlarm` from another one, which no look at the text would see.
import { fork } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./bundle.js";
import { Problem } from "./problem.js";

const LIBRARY = fileURLToPath(new URL("../lib", import.meta.url));

/** Interfaces of the host that the module imports itself; nothing of them is called here. */
const stubs = {
  name: "stubs",
  setup(build) {
    build.onResolve({ filter: /^(socklet|wasi):/ }, ({ path }) => ({ path, namespace: "stub" }));
    build.onLoad({ filter: /.*/, namespace: "stub" }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => name === "__esModule" ? false : function () {
        throw new Error(${JSON.stringify(path)} + " can be called in an event, not at the top level of a module: the host is not there yet");
      } });`,
    }));
  },
};

/** Answers `{ kind, exports }`: what the handler is, and which interfaces its component exports. */
export async function probe(project, entry) {
  const result = await run(project, {
    stdin: {
      contents: `import * as module from ${JSON.stringify(`./${relative(project, entry).split(sep).join("/")}`)};
        import { describe } from ${JSON.stringify(join(LIBRARY, "../builder/describe.js"))};
        process.send(describe(module));`,
      resolveDir: project,
      sourcefile: "socklet-guest:probe.js",
    },
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
    target: "node20",
    mainFields: ["module", "main"],
    conditions: ["import", "module"],
    sourcemap: "inline",
    plugins: [stubs],
  });
  const folder = await mkdtemp(join(tmpdir(), "socklet-guest-"));
  try {
    const file = join(folder, "probe.cjs");
    await writeFile(file, result.outputFiles[0].text);
    return await ask(file, relative(project, entry));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function ask(file, name) {
  return new Promise((resolve, reject) => {
    const child = fork(file, {
      execArgv: ["--enable-source-maps"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let complaints = "";
    child.stderr.on("data", (data) => (complaints += data));
    child.on("message", (answer) => {
      child.kill();
      if (answer.problem !== undefined) reject(new Problem(`${name}: ${answer.problem}`));
      else resolve(answer);
    });
    child.on("exit", (code) =>
      reject(new Problem(`${name}: fails when it is loaded (${code}):\n${complaints.trimEnd()}`)),
    );
  });
}
