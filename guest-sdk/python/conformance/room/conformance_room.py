"""The conformance handler of docs/conformance.md, for an instance that connections share."""

from socklet_guest import CloseEvent, Connection, Message, Request, Room


class ConformanceRoom(Room[None]):
    schema = 1

    def __init__(self) -> None:
        self.messages = 0

    def on_ready(self, connection: Connection, request: Request) -> None:
        connection.write(f"ready {len(self.members) + 1}")
        self.broadcast(f"+{connection.id}")

    def on_message(self, connection: Connection, message: Message) -> None:
        self.messages += 1
        word, rest = "", ""
        if isinstance(message, str):
            word, _, rest = message.partition(" ")
        match word:
            case "/members":
                connection.write(str(len(self.members)))
            case "/others":
                self.broadcast(rest, exclude=connection)
            case "/count":
                connection.write(str(self.messages))
            case "/fail":
                raise RuntimeError(rest)
            case _:
                self.broadcast(message)

    def on_close(self, connection: Connection, member: None, event: CloseEvent) -> None:
        self.broadcast(f"-{connection.id}")
