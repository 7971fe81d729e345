import { parseArgs } from "node:util";
import { build } from "./build.js";
import { Problem } from "./problem.js";
import { test } from "./run-tests.js";

const USAGE = `socklet-guest builds handlers in JavaScript and TypeScript.

  socklet-guest build [ENTRY]   builds the component; ENTRY is the "main" of package.json
    --output FILE               where to; build/NAME.wasm unless it is given
    --engine NAME               quickjs (unless it is given) or starlingmonkey
    --opt-size                  a third smaller, and about 1.6 times slower (quickjs)
    --no-check                  does not check the types of a project with a tsconfig.json

  socklet-guest test [FILE...]  bundles tests (*.test.js, *.test.ts) and runs them by node --test

Example: socklet-guest build --output handlers/chat.wasm chat.ts`;

/** Runs a command line; answers the exit code: 0, 1 where something is wrong, 2 for a wrong command line. */
export async function main(args) {
  const [command, ...rest] = args;
  try {
    switch (command) {
      case "build":
        await build(process.cwd(), parse(rest, 1));
        return 0;
      case "test":
        return await test(process.cwd(), rest);
      case "help":
      case "--help":
      case "-h":
        console.log(USAGE);
        return 0;
      default:
        console.error(
          command === undefined
            ? USAGE
            : `socklet-guest: no such command: ${command}: say build, test or help`,
        );
        return 2;
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.message !== "") console.error(error.message);
    return error.exitCode;
  }
}

function parse(args, most) {
  const options = {
    output: { type: "string", short: "o" },
    engine: { type: "string", default: "quickjs" },
    "opt-size": { type: "boolean", default: false },
    check: { type: "boolean", default: true },
  };
  try {
    const { values, positionals } = parseArgs({
      args,
      options,
      allowPositionals: true,
      allowNegative: true,
    });
    if (positionals.length > most)
      throw new Error(`one ENTRY is built at a time, not ${positionals.join(" and ")}`);
    if (!["quickjs", "starlingmonkey"].includes(values.engine)) {
      throw new Error(`--engine ${values.engine}: say quickjs or starlingmonkey`);
    }
    return { ...values, optSize: values["opt-size"], entry: positionals[0] };
  } catch (error) {
    throw new Problem(`socklet-guest build: ${error.message}`, 2);
  }
}
