// Values as a line of the log shows them.
import { report } from "../attempt.js";

const DEEPEST = 4;
const MOST_ITEMS = 100;

/** What `console.log` makes of its arguments, with the placeholders that it knows. */
export function format(args) {
  let rest = args;
  let text = "";
  if (typeof args[0] === "string") {
    rest = args.slice(1);
    text = args[0].replace(/%[sdifjoOc%]/g, (placeholder) => {
      if (placeholder === "%%") return "%";
      if (rest.length === 0) return placeholder;
      const value = rest.shift();
      return fill(placeholder, value);
    });
    if (rest.length > 0) text += " ";
  }
  return text + rest.map((value) => (typeof value === "string" ? value : inspect(value))).join(" ");
}

function fill(placeholder, value) {
  switch (placeholder) {
    case "%s":
      return typeof value === "string" ? value : inspect(value);
    case "%d":
      return String(Number(value));
    case "%i":
      return String(Math.trunc(Number(value)));
    case "%f":
      return String(parseFloat(value));
    case "%j":
      return JSON.stringify(value);
    case "%c":
      return "";
    default:
      return inspect(value);
  }
}

export function inspect(value, depth = 0, around = []) {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "symbol":
      return value.toString();
    case "function":
      return /^class\b/.test(Function.prototype.toString.call(value))
        ? `[class ${value.name}]`
        : `[Function: ${value.name || "(anonymous)"}]`;
    case "object":
      return value === null ? "null" : inspectObject(value, depth, around);
    default:
      return Object.is(value, -0) ? "-0" : String(value);
  }
}

function inspectObject(value, depth, around) {
  if (value instanceof Error) return report(value);
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (around.includes(value)) return "[Circular]";
  const name = value.constructor?.name ?? "null";
  if (depth >= DEEPEST) return `[${name}]`;
  const inside = (item) => inspect(item, depth + 1, [...around, value]);
  if (Array.isArray(value)) return listed("[", "]", value, inside);
  if (ArrayBuffer.isView(value) && Symbol.iterator in value)
    return listed(`${name}(${value.length}) [`, "]", value, inside);
  if (value instanceof Set) return listed(`Set(${value.size}) {`, "}", value, inside);
  if (value instanceof Map)
    return listed(
      `Map(${value.size}) {`,
      "}",
      value,
      ([key, item]) => `${inside(key)} => ${inside(item)}`,
    );
  const entries = Object.entries(value);
  const prefix = name === "Object" ? "{" : `${name} {`;
  return listed(
    prefix,
    "}",
    entries,
    ([key, item]) =>
      `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${inside(item)}`,
  );
}

function listed(open, close, items, show) {
  const shown = [];
  let left = 0;
  for (const item of items) {
    if (shown.length < MOST_ITEMS) shown.push(show(item));
    else left += 1;
  }
  if (left > 0) shown.push(`… ${left} more`);
  if (shown.length === 0) return open + close;
  const space = close === "}" ? " " : "";
  return `${open}${space}${shown.join(", ")}${space}${close}`;
}
