"""A chat: what one says, everyone in the room reads. The README has the format."""

from collections import deque

from socklet_guest import CloseEvent, Connection, Message, Request, Room

# How many lines a joiner is told, and how many bytes they may be together: few enough for
# the joiner's queue.
KEPT_LINES = 50
KEPT_BYTES = 256 * 1024
# With a name before it, well below max-message-size.
LONGEST_TEXT = 64 * 1024
LONGEST_NAME = 32


class Chat(Room[str]):
    """One room, and the last lines said in it, oldest first. What it keeps for each of its
    members is a str: the name."""

    # A new version of this file takes the room up as it was, with everyone in it. Count it
    # up when the meaning of the attributes below changes, and write `upgrade`.
    schema = 1

    def __init__(self) -> None:
        self.lines: deque[str] = deque()

    def on_ready(self, connection: Connection, request: Request) -> str:
        for line in self.lines:
            connection.write(line)
        name = name_of(request.query("name") or "")
        joined = f"* {name} joined"
        connection.write(joined)
        # The others: this one is a member when this has returned.
        self.broadcast(joined)
        return name

    def on_message(self, connection: Connection, message: Message) -> None:
        if isinstance(message, bytes):
            connection.close(1003, "text only")
        elif len(message.encode()) > LONGEST_TEXT:
            connection.write(f"* a text may have {LONGEST_TEXT} bytes")
        else:
            line = f"{self.members[connection]}: {message}"
            self.broadcast(line)
            self.keep(line)

    def on_close(self, connection: Connection, member: str, event: CloseEvent) -> None:
        self.broadcast(f"* {member} left")

    def keep(self, line: str) -> None:
        self.lines.append(line)
        size = sum(len(line.encode()) for line in self.lines)
        while len(self.lines) > KEPT_LINES or size > KEPT_BYTES:
            size -= len(self.lines.popleft().encode())


def name_of(asked: str) -> str:
    """The name that was asked for, without what could make a line look like another: letters
    and digits of any script, spaces, and `-_.'` are left."""
    fitting = [character for character in asked if character.isalnum() or character in " -_.'"]
    return "".join(fitting).strip()[:LONGEST_NAME].strip() or "guest"
