import * as host from "wasi:random/random@0.2.11";
import { toHost } from "./numbers.js";

export const getRandomBytes = (length) => host.getRandomBytes(toHost(length));
