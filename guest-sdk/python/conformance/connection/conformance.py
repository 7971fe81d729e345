"""The conformance handler of docs/conformance.md, for a connection's own instance."""

import logging

from commands import COMMANDS

from socklet_guest import (
    Acceptance,
    CloseEvent,
    Connection,
    Handler,
    Message,
    Rejection,
    Request,
    SnapshotError,
    http,
    timers,
)


def status_of(url: str) -> str:
    """What an upstream answers a GET with."""
    try:
        return str(http.get(url).status)
    except (http.Error, ValueError) as error:
        logging.info("%s: %s", url, error)
        return "error"


class Conformance(Handler):
    schema = 1

    def __init__(self) -> None:
        self.opening: dict[str, object] = {}
        self.messages = 0
        self.last_timer: timers.Timer | None = None
        self.refuses_to_suspend = False

    @classmethod
    def on_request(cls, connection: Connection, request: Request) -> Acceptance | Rejection:
        refuse = request.query("refuse")
        if refuse is not None:
            return Rejection(int(refuse), "refused", headers={"x-conformance": "refused"})
        url = request.query("ask")
        return Acceptance(
            subprotocol=request.query("agree"),
            headers={"x-conformance": "accepted"},
            attachment=request.query("attach") if url is None else status_of(url),
        )

    def on_ready(self, connection: Connection, request: Request) -> None:
        self.opening = {
            "path": request.path,
            "query_string": request.query_string,
            "header_fields": request.header_fields,
            "remote_address": request.remote_address,
            "subprotocol": request.subprotocol,
        }
        connection.write(f"ready {request.path}")

    def on_message(self, connection: Connection, message: Message) -> None:
        self.messages += 1
        if isinstance(message, bytes) or not message.startswith("/"):
            connection.write(message)
            return
        word, _, rest = message[1:].partition(" ")
        command = COMMANDS.get(word)
        if command is None:
            connection.write("unknown")
            return
        answer = command(self, connection, rest)
        if answer is not None:
            connection.write(answer)

    def on_alarm(self, connection: Connection, timer: timers.Timer) -> None:
        connection.write(f"alarm {timer.data}")

    def on_close(self, connection: Connection, event: CloseEvent) -> None:
        logging.info(
            "closed origin=%s code=%d detail=%s reason=%s",
            event.origin,
            event.code,
            event.detail,
            event.reason,
        )

    def suspend(self) -> object:
        if self.refuses_to_suspend:
            raise SnapshotError("as asked")
        return super().suspend()

    @property
    def request(self) -> Request:
        """The opening request, which is kept over swaps."""
        return Request(**self.opening)  # type: ignore[arg-type]
