/* global SOCKLET_BIGINT -- the builder says by it which engine this is for */

/** A u64 as this engine hands it to the host. */
export const toHost = SOCKLET_BIGINT
  ? (number) => BigInt.asUintN(64, BigInt(number))
  : (number) => number;
