// What a module exports is found by running it, in a process of its own: a class may get
// its `onAlarm` from another one, which no look at the text would see.
import { fork } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { run } from "./bundle.js";
import { Problem } from "./problem.js";

const LIBRARY = fileURLToPath(new URL("../lib", import.meta.url));

/** How long a module may take to load, in milliseconds. */
const LONGEST = 60_000;

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
export async function probe(project, entry, longest = LONGEST) {
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
    // A file of the bundle's own would be in a folder that is gone by then.
    sourceRoot: pathToFileURL(project + sep).href,
    plugins: [stubs],
  });
  const folder = await mkdtemp(join(tmpdir(), "socklet-guest-"));
  try {
    const file = join(folder, "probe.cjs");
    await writeFile(file, result.outputFiles[0].text);
    return await ask(file, project, relative(project, entry), longest);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function ask(file, project, name, longest) {
  return new Promise((resolve, reject) => {
    const child = fork(file, {
      cwd: project,
      execArgv: ["--enable-source-maps"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const refuse = (problem) => reject(new Problem(`${name}: ${problem}`));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      refuse(
        `is not loaded after ${longest / 1000} s: its top level runs once, when the component is built, and has to come to an end`,
      );
    }, longest);
    let complaints = "";
    child.stderr.on("data", (data) => (complaints += data));
    child.on("message", (answer) => {
      child.kill();
      if (answer.problem !== undefined) refuse(answer.problem);
      else resolve(answer);
    });
    // Not at its exit: what it has said may still be under way.
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const said = withoutNode(complaints, project);
      refuse(
        said === ""
          ? `ends the process when it is loaded (${signal ?? code})`
          : `fails when it is loaded:\n\n${said}\n`,
      );
    });
  });
}

/** What Node says of an error that nobody has caught, as far as it is about the project. */
function withoutNode(complaints, project) {
  return complaints
    .split("\n")
    .filter((line) => !/^\s+at .*\bnode:internal\/|^Node\.js v\d/.test(line))
    .join("\n")
    .replaceAll(`${pathToFileURL(project)}/`, "")
    .replaceAll(`${project}${sep}`, "")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}
