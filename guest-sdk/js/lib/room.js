import { Members } from "./members.js";

export class Room {
  constructor() {
    // Not enumerable: a snapshot keeps a room's own fields, and members are the host's.
    Object.defineProperty(this, "members", { value: new Members() });
  }
}
