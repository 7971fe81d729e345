import { report } from "../attempt.js";
import * as log from "../log.js";
import { resume, suspend, UNKNOWN_SCHEMA } from "../snapshot.js";

/** The interface `snapshot`. An `err` of the WIT is thrown. */
export function snapshot(instance) {
  return {
    suspend() {
      return orRefuse(() => suspend(instance));
    },
    resume(ids, saved) {
      orRefuse(() => resume(instance, [...ids].map(Number), saved));
    },
  };
}

function orRefuse(call) {
  try {
    return call();
  } catch (error) {
    if (error === UNKNOWN_SCHEMA) throw { tag: "unknown-schema" };
    log.debug(report(error));
    throw { tag: "failed", val: String(error?.message ?? error).toWellFormed() };
  }
}
