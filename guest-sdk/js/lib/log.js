import { log as write } from "#host/log";

function line(level) {
  return (text) => write(level, String(text).toWellFormed());
}

export const trace = line("trace");
export const debug = line("debug");
export const info = line("info");
export const warn = line("warn");
export const error = line("error");
