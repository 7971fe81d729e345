export { Fields, OutgoingRequest, OutgoingBody, httpErrorCode } from "wasi:http/types@0.2.11";
export { handle } from "wasi:http/outgoing-handler@0.2.11";
export { poll } from "wasi:io/poll@0.2.11";
