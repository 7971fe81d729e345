from wit_world import exports
from wit_world.imports import connection
from wit_world.imports.types import CloseEvent, Message, Request


class Handler(exports.Handler):
    def on_ready(self, id: int, request: Request) -> None:
        pass

    def on_message(self, id: int, message: Message) -> None:
        connection.write(id, message)

    def on_close(self, id: int, event: CloseEvent) -> None:
        pass
