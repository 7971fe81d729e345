import { getEnvironment } from "#host/environment";

export function env(name) {
  return getEnvironment().find(([found]) => found === name)?.[1];
}
