import { running } from "./running.js";

export function log(level, text) {
  if (running.host === undefined) console.log(`${level}: ${text}`);
  else running.host.log.push({ level, text });
}
