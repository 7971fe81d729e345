// QuickJS's tool can't build a component whose world has wasi:http: it links an input-stream
// of its own, which is another type than that of the world's ("mismatched resource types").
// So `wasi:` is called otherwise while it builds, by a name of the same length, and the
// component's imports get their names back. They are of another version than the tool's own
// (0.2.11, not 0.2.12), since a component can't import two things of one name.

const REAL = "wasi:";
const STAND_IN = "wasx:";

/** Names of interfaces in WIT. */
export function standIn(text) {
  return text.replaceAll(REAL, STAND_IN);
}

/** What a bundle, as esbuild writes it, imports. */
export function standInImports(code) {
  return code.replace(/^(import .*?)"wasi:([^"]*)";$/gm, `$1"${STAND_IN}$2";`);
}

/** Sections of a component that the outermost one has (Component Model, binary format). */
const IMPORTS = 10;
const PREAMBLE = 8;

/** Gives the imports of a component their names back, in place. Names inside are its own affair. */
export function restoreNames(component) {
  let at = PREAMBLE;
  while (at < component.length) {
    const id = component[at];
    const [size, start] = leb128(component, at + 1);
    if (id === IMPORTS) rename(component.subarray(start, start + size));
    at = start + size;
  }
  return component;
}

function rename(section) {
  for (let at = section.indexOf(STAND_IN); at >= 0; at = section.indexOf(STAND_IN, at)) {
    section.write(REAL, at);
  }
}

/** An unsigned number, and where it ends. */
function leb128(bytes, start) {
  let value = 0;
  let at = start;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}
