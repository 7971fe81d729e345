import { peers } from "./running.js";

export const params = (id) => Object.entries(peers.get(id)?.options.params ?? {});
export const claims = (id) => {
  const claims = peers.get(id)?.options.claims;
  return claims === undefined ? undefined : JSON.stringify(claims);
};
export const attachment = (id) => peers.get(id)?.acceptance?.attachment;
