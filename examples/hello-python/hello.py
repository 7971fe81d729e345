from wit_world import exports
from wit_world.imports import connection, log
from wit_world.imports.log import Level
from wit_world.imports.types import CloseEvent, Message, Message_Text, Request


class Handler(exports.Handler):
    def on_ready(self, id: int, request: Request) -> None:
        connection.write(id, Message_Text("Hello!"))

    def on_message(self, id: int, message: Message) -> None:
        match message:
            case Message_Text(text):
                log.log(Level.INFO, text)
            case _:
                log.log(Level.INFO, f"<{len(message.value)} bytes>")

    def on_close(self, id: int, event: CloseEvent) -> None:
        log.log(Level.INFO, "Disconnected")
