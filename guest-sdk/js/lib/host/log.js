export { log } from "socklet:websocket/log@0.1.0";
