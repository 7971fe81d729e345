"""Says hello to whoever connects."""

import logging

from socklet_guest import CloseEvent, Connection, Handler, Message, Request


class Hello(Handler):
    """Each connection has an object of this: its attributes are the connection's state."""

    def on_ready(self, connection: Connection, request: Request) -> None:
        """The connection is open."""
        connection.write("Hello!")

    def on_message(self, connection: Connection, message: Message) -> None:
        """The peer sent a message: a str if it is text, bytes if it is binary."""
        logging.info("%s", message)

    def on_close(self, connection: Connection, event: CloseEvent) -> None:
        """The connection has ended. Nothing can be written any more."""
        logging.info("Disconnected")
