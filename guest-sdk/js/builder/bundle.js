// One module of all that the handler uses, by esbuild.
import { builtinModules } from "node:module";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";
import { lineTable } from "./lines.js";
import { Problem } from "./problem.js";
import { standInImports } from "./stand-in.js";

const LIBRARY = fileURLToPath(new URL("../lib", import.meta.url));

/** Interfaces of the host: what is left of their imports after tree shaking is the world's. */
const HOST = /^(socklet|wasi):/;

/**
 * Modules of lib/component that replace what the engine has, by what of a bundle needs them. For
 * Math.random that is whatever could come to it, under another name or by one that is made up at
 * run time: Math or the global object where it is not just asked for another member, and code
 * that is made of text. It imports wasi:random, so not everyone has it.
 */
const REPLACED = {
  promises: /\bPromise\b|\b__async\b|\bqueueMicrotask\b/,
  random:
    /\bMath\b(?!\.(?!random\b)[\w$])|\bglobalThis\b(?!\.(?!Math\b)[\w$])|\beval\b|\bFunction\(/,
};

const host = {
  name: "host",
  setup(build) {
    build.onResolve({ filter: HOST }, ({ path }) => ({ path, external: true, sideEffects: false }));
  },
};

const noNode = {
  // Shown with the error.
  name: "@socklet/guest",
  setup(build) {
    const names = builtinModules.filter((name) => !name.startsWith("_")).join("|");
    build.onResolve({ filter: new RegExp(`^(node:.*|${names})$`) }, ({ path }) => ({
      errors: [
        {
          text: `${path} is a module of Node's, which a component does not have: see "What is not there" in the README of @socklet/guest`,
        },
      ],
    }));
  },
};

/**
 * Bundles the handler, whose shape is what the probe has found. Answers its source, the
 * interfaces that it imports, and those that it exports.
 */
export async function bundle(project, entry, shape, { engine }) {
  const exports = new Set(shape.exports);
  /** Modules of lib/component that replace what the engine has. */
  const replacing = new Set(engine === "quickjs" ? ["json"] : []);
  for (;;) {
    const { code, map, imports, setsAlarms } = await once(
      project,
      entry,
      shape,
      exports,
      replacing,
      engine,
    );
    if (setsAlarms && !shape.exports.includes("alarm"))
      throw new Problem(
        `${relative(project, entry)}: sets alarms, and has no onAlarm(connection, alarm) that would hear of them: write one, or use setTimeout`,
      );
    // Each can make the other necessary: what is bundled then is bundled again.
    const alarm = imports.includes("socklet:websocket/timers@0.1.0") && !exports.has("alarm");
    const replaced = Object.keys(REPLACED).filter(
      (name) => !replacing.has(name) && REPLACED[name].test(code),
    );
    if (!alarm && replaced.length === 0) {
      const source = (engine === "quickjs" ? standInImports(code) : code) + lineTable(map, project);
      return { source, imports, exports: [...exports] };
    }
    if (alarm) exports.add("alarm");
    for (const name of replaced) replacing.add(name);
  }
}

async function once(project, entry, shape, exports, replacing, engine) {
  const result = await run(project, {
    stdin: {
      contents: wrapper(project, entry, shape, exports, replacing),
      resolveDir: project,
      sourcefile: "socklet-guest:entry.js",
    },
    outfile: join(project, "bundle.js"),
    bundle: true,
    write: false,
    metafile: true,
    sourcemap: "external",
    sourcesContent: false,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["socklet", "import", "module"],
    target: "es2022",
    // The promises of async functions are the SDK's: see lib/promise.js.
    supported: {
      "async-await": false,
      "async-generator": false,
      "for-await": false,
      "top-level-await": false,
    },
    charset: "utf8",
    legalComments: "none",
    define: {
      SOCKLET_BIGINT: String(engine === "starlingmonkey"),
      "process.env.NODE_ENV": '"production"',
    },
    inject: [join(LIBRARY, "globals/index.js")],
    plugins: [host, noNode],
  });
  const [output] = Object.entries(result.metafile.outputs).filter(([path]) => path.endsWith(".js"));
  const imports = [
    ...new Set(output[1].imports.filter(({ external }) => external).map(({ path }) => path)),
  ];
  const setsAlarms = Object.entries(output[1].inputs).some(
    ([path, { bytesInOutput }]) => bytesInOutput > 0 && path.endsWith("lib/alarms.js"),
  );
  const text = (end) => result.outputFiles.find(({ path }) => path.endsWith(end)).text;
  return { code: text(".js"), map: JSON.parse(text(".map")), imports: imports.sort(), setsAlarms };
}

/** Runs esbuild; its errors are shown as it shows them. */
export async function run(project, options) {
  try {
    return await esbuild.build({ absWorkingDir: project, logLevel: "silent", ...options });
  } catch (error) {
    if (error.errors === undefined) throw error;
    const lines = await esbuild.formatMessages(error.errors.map(forHandlers), {
      kind: "error",
      color: process.stderr.isTTY === true,
    });
    throw new Problem(lines.join("").trimEnd());
  }
}

/** esbuild's advice is for those who call it; what a handler's author can do is another thing. */
function forHandlers(error) {
  const [, missing] = /^Could not resolve "([^"]*)"/.exec(error.text) ?? [];
  if (missing !== undefined) {
    const isPackage = /^(@[^/]+\/)?[^./@][^/]*/.exec(missing)?.[0];
    const advice = isPackage
      ? `It is not installed: npm install ${isPackage}`
      : "There is no such file.";
    const notes = error.notes.filter(({ text }) => !text.startsWith("You can mark the path"));
    return { ...error, notes: notes.length > 0 ? notes : [{ text: advice }] };
  }
  if (error.text.startsWith("Top-level await"))
    return {
      ...error,
      text: "Nothing can be awaited at the top level: that code runs once, when the component is built",
      notes: [{ text: "Do it in an event: onReady, or onOpen of a room." }],
    };
  return error;
}

function wrapper(project, entry, { kind }, exports, replacing) {
  const library = (file) => JSON.stringify(join(LIBRARY, file));
  const lines = [
    // First, so that the handler's module and all that it imports see nothing else.
    ...[...replacing].map((name) => `import ${library(`component/${name}.js`)};`),
    `import definition from ${JSON.stringify(`./${relative(project, entry).split(sep).join("/")}`)};`,
    `import { Events } from ${library(`events/${kind}.js`)};`,
    `import { Instance } from ${library("instance.js")};`,
    `import { built } from ${library("component/start.js")};`,
    ...[...exports].map(
      (name) => `import { ${name} as make_${name} } from ${library(`component/${name}.js`)};`,
    ),
    "const instance = new Instance(definition, new Events(definition));",
    ...[...exports].map((name) => `export const ${name} = make_${name}(instance);`),
    "built();",
  ];
  return lines.join("\n");
}
