"""Sends back whatever it is sent."""

from socklet_guest import Connection, Handler, Message


class Echo(Handler):
    """Text comes as a str and leaves as text; binary comes as bytes and leaves as binary."""

    def on_message(self, connection: Connection, message: Message) -> None:
        connection.write(message)
