"""Follows what guests write to the server's log."""

import asyncio
import json
import os
import time
from dataclasses import dataclass

# How long a line may take from the guest to the file: a failure bound.
LINE_TIMEOUT = 20

# A file tells nobody that it grew, at least not on every system: it is read again this often.
READ_AGAIN = 0.01


@dataclass(frozen=True)
class Line:
    level: str
    message: str
    handler: str
    generation: int
    connection: int


class GuestLog:
    """The guests' lines that reached the log since this was made, in their order."""

    def __init__(self, path: str):
        self._file = open(path, "rb")
        end = self._file.seek(0, os.SEEK_END)
        # Begin one byte early and drop all up to the first line end: a line that is half written
        # just now belongs to what was before.
        self._file.seek(max(end - 1, 0))
        self._in_old_line = end > 0
        self._unfinished = b""
        self._lines: list[Line] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def lines(self) -> list[Line]:
        """All lines so far."""
        *whole, self._unfinished = (self._unfinished + self._file.read()).split(b"\n")
        if self._in_old_line and whole:
            whole.pop(0)
            self._in_old_line = False
        for text in whole:
            self._take(text)
        return self._lines

    def _take(self, text: bytes) -> None:
        if not text.strip():
            return
        try:
            entry = json.loads(text)
        except ValueError as error:
            raise AssertionError(f"the log holds a line that is not JSON: {text[:200]!r}") from error
        if entry.get("target") != "guest":
            return
        fields = entry["fields"]
        self._lines.append(
            Line(
                level=entry["level"],
                message=fields["message"],
                handler=fields["handler"],
                generation=fields["generation"],
                connection=fields["connection"],
            )
        )

    def of(self, connection: int) -> list[str]:
        """The messages of one connection so far."""
        return [line.message for line in self.lines() if line.connection == connection]

    async def until(self, what: str, found):
        """Waits until `found(lines)` answers with something that counts, and returns it."""
        deadline = time.monotonic() + LINE_TIMEOUT
        while not (answer := found(self.lines())):
            if time.monotonic() > deadline:
                last = "\n".join(map(str, self._lines[-10:]))
                raise AssertionError(
                    f"{what}: not in the log after {LINE_TIMEOUT} s; its last lines:\n{last}"
                )
            await asyncio.sleep(READ_AGAIN)
        return answer

    async def line(self, message: str) -> Line:
        """The first line with this message."""
        return await self.until(
            f"a line {message!r}",
            lambda lines: next((line for line in lines if line.message == message), None),
        )

    async def connection_that_said(self, token: str) -> int:
        """The id of the connection whose handler logged this message, unique in the run."""
        return (await self.line(token)).connection

    async def disconnected(self, connection: int) -> list[str]:
        """The messages of a connection once its `Disconnected` is among them."""
        return await self.until(
            f"`Disconnected` of connection {connection}",
            lambda _: "Disconnected" in (said := self.of(connection)) and said,
        )
