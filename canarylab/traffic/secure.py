"""One connection over TLS."""

from __future__ import annotations

import asyncio
import ssl

from canarylab.traffic.connection import Address
from canarylab.traffic.failure import CutOffError, NoConnectionError, StaleError
from canarylab.traffic.reply import Reader, Reply

_CHUNK = 65_536  # bytes
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class SecureConnection:
    """What `PlainConnection` does, through TLS; `name` is whose certificate is asked for."""

    def __init__(
        self, address: Address, context: ssl.SSLContext, *, name: str, timeout_s: float
    ) -> None:
        self._address, self._context, self._name = address, context, name
        self._timeout_s = timeout_s
        self._streams: Streams | None = None
        self._used = False

    async def ask(self, message: bytes) -> Reply:
        """Send a request and wait for the response; any failure closes the connection."""
        reader = Reader()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._exchange(message, reader)
        except TimeoutError:
            raise (TimeoutError() if self._streams else NoConnectionError()) from None
        except ConnectionError as exc:
            raise (StaleError() if self._used and not reader.started else exc) from exc
        finally:
            if reader.reply is None:
                self.close()
        if reader.reply is None:
            raise CutOffError
        self._used = True
        return reader.reply

    def close(self) -> None:
        """End it; a closed connection stays closed."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _exchange(self, message: bytes, reader: Reader) -> None:
        if self._streams is None:
            self._streams = await self._open()
        incoming, outgoing = self._streams
        outgoing.write(message)
        while reader.reply is None:
            received = await incoming.read(_CHUNK)
            if received:
                reader.feed(received)
            elif not reader.end():
                raise CutOffError

    async def _open(self) -> Streams:
        _, (host, port) = self._address
        return await asyncio.open_connection(
            host, port, ssl=self._context, server_hostname=self._name
        )
