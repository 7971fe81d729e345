// Imported first by a component whose handler uses promises.
import { current } from "../current.js";
import { drain, enqueue } from "../jobs.js";
import { Promise } from "../promise.js";

globalThis.Promise = Promise;
globalThis.queueMicrotask = (callback) => enqueue(() => callback());
current.drain = drain;
