// The raw bindings, for the one command that names a connection of nobody's.
declare module "socklet:websocket/connection@0.1.0" {
  export function write(to: number, message: { tag: "binary"; val: Uint8Array }): string;
  export function close(connection: number, code: number, reason: string): string;
  export function bufferedAmount(connection: number): number;
}
