"""A proxy before a PostgreSQL server that cuts a connection when the server has done what it was asked.

The one who asked does not know whether it was done: the answer is lost with the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

SOCKET = ".s.PGSQL.5432"
READY = b"Z\x00\x00\x00\x05I"  # the server is done, in no transaction: what was to be committed is


class CuttingProxy:
    """Passes on what is said; `cut_after(words)` loses the answer to the next statement with these words."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._words: bytes | None = None
        self._cutting = False
        self.cuts = 0

    def cut_after(self, words: str) -> None:
        """Lose the answer to the next statement that has these words in it."""
        self._words = words.encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what one client and the server say to each other, until one of them leaves."""
        from_server, to_server = await asyncio.open_unix_connection(self._server / SOCKET)
        ways = [
            asyncio.create_task(self._ask(reader, to_server)),
            asyncio.create_task(self._answer(from_server, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, to_server):
                end.close()

    async def _ask(self, reader: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        while said := await reader.read(1 << 16):
            if self._words and self._words in said:
                self._words, self._cutting = None, True
            to_server.write(said)

    async def _answer(self, reader: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        heard = b""
        while said := await reader.read(1 << 16):
            if not self._cutting:
                to_client.write(said)
                continue
            heard += said
            if heard.endswith(READY):
                self._cutting = False
                self.cuts += 1
                return


@asynccontextmanager
async def cutting_proxy(server: Path, folder: Path) -> AsyncGenerator[tuple[CuttingProxy, str]]:
    """Run a proxy whose socket is in `folder`, before a server whose socket is in `server`; with its address."""
    proxy = CuttingProxy(server)
    listening = await asyncio.start_unix_server(proxy.serve, folder / SOCKET)
    async with listening:
        yield proxy, f"postgresql://owner@/postgres?host={folder}"
