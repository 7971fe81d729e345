import { hostNow } from "./running.js";

export const getEnvironment = () => Object.entries(hostNow("env").env);
