// Which line of the bundle is which line of a source, so that a stack in the host's log
// names the handler's own files.

import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const SDK = fileURLToPath(new URL("..", import.meta.url));
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** A statement that leaves the table for lib/attempt.js. A string: it costs nothing until it is read. */
export function lineTable(map, project) {
  const runs = [];
  let last;
  for (const [line, source, original] of firstOfEachLine(map.mappings)) {
    const offset = original - line;
    if (last?.source === source && last.offset === offset) continue;
    last = { source, offset };
    runs.push([line, source, original]);
  }
  const files = map.sources.map((source) => nameOf(resolve(project, source), project));
  return `\nglobalThis.SOCKLET_LINES = ${JSON.stringify(JSON.stringify({ files, lines: runs }))};\n`;
}

/** A file as the log shows it; attempt.js leaves out calls of the SDK's own by this name. */
function nameOf(path, project) {
  const ofSdk = relative(SDK, path);
  if (!ofSdk.startsWith("..")) return `@socklet/guest/${ofSdk}`;
  return relative(project, path).replace(/^.*node_modules\//, "");
}

/** `[line, source, line of the source]` for each line of the bundle that has a source; from 1. */
function* firstOfEachLine(mappings) {
  let source = 0;
  let original = 0;
  let line = 0;
  for (const group of mappings.split(";")) {
    line += 1;
    let first = true;
    for (const segment of group === "" ? [] : group.split(",")) {
      const [, sourceDelta, lineDelta] = numbers(segment);
      if (sourceDelta === undefined) continue;
      source += sourceDelta;
      original += lineDelta;
      if (first) yield [line, source, original + 1];
      first = false;
    }
  }
}

/** The numbers of one segment (base 64, variable length, the sign in the lowest bit). */
function numbers(segment) {
  const found = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    found.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return found;
}
