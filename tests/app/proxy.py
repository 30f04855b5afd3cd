"""A way to the PostgreSQL server that counts round trips and that can be cut or stalled."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

ProxyT = TypeVar("ProxyT", bound="Proxy")

READY = b"Z\x00\x00\x00\x05I"
"""What the server ends an answer with once nothing of the transaction is left to do."""


class Proxy:
    """Forwards connections to the server behind `url`; clients connect to its own `url`."""

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.url = ""
        self.round_trips = 0
        self.swallow_next_answer = False
        self.swallowed = b""
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.answering = asyncio.Event()
        self.answering.set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until either side hangs up."""
        try:
            server_reader, server_writer = await self._connect()
        except OSError:  # the server is down
            writer.transport.abort()
            return
        ends = {writer, server_writer}
        self._open |= ends
        asked = [False]
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ask(reader, server_writer, asked))
                tasks.create_task(self._answer(server_reader, writer, asked))
        except* OSError:
            pass
        finally:
            self._open -= ends
            for end in ends:
                end.close()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to serve one client."""
        task = asyncio.ensure_future(self(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def end(self) -> None:
        """Break every connection, and wait until all ends are closed."""
        self.cut()
        if self._serving:
            await asyncio.wait(self._serving, timeout=5)

    def cut(self) -> None:
        """Break every connection at once."""
        for end in self._open:
            end.transport.abort()

    def listener(self) -> Callable[[bytes], object]:
        """Who is to be handed all that one client sends; here nobody."""
        return len

    def listen_at(self, port: int) -> None:
        """Say where clients find the proxy."""
        user, password = self._server.username or "postgres", self._server.password
        login = f"{user}:{password}" if password else user
        name = self._server.path
        self.url = f"postgresql://{login}@127.0.0.1:{port}{name}?sslmode=disable"

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        query = parse_qs(self._server.query)
        if directory := query.get("host", [""])[0]:
            return await asyncio.open_unix_connection(
                f"{directory}/.s.PGSQL.{query.get('port', ['5432'])[0]}"
            )
        return await asyncio.open_connection(self._server.hostname, self._server.port or 5432)

    async def _ask(
        self, client: asyncio.StreamReader, server: asyncio.StreamWriter, asked: list[bool]
    ) -> None:
        heard = self.listener()
        while data := await client.read(65536):
            await self.flowing.wait()
            heard(data)
            asked[0] = True
            server.write(data)
            await server.drain()
        server.close()

    async def _answer(
        self, server: asyncio.StreamReader, client: asyncio.StreamWriter, asked: list[bool]
    ) -> None:
        while data := await server.read(65536):
            if self.swallow_next_answer:
                self.swallowed += data
                if self.swallowed.endswith(READY):
                    self.swallow_next_answer = False
                    self.cut()
                    return
                continue
            self.round_trips += asked[0]
            asked[0] = False
            await self.answering.wait()
            client.write(data)
            await client.drain()
        client.close()


@asynccontextmanager
async def proxy_to(url: str) -> AsyncGenerator[Proxy, None]:
    """A proxy to the server behind `url` that listens on a free port."""
    async with listening(Proxy(url)) as proxy:
        yield proxy


@asynccontextmanager
async def listening(proxy: ProxyT) -> AsyncGenerator[ProxyT, None]:
    """The proxy, which listens on a free port."""
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.listen_at(int(server.sockets[0].getsockname()[1]))
    try:
        yield proxy
    finally:
        proxy.flowing.set()
        proxy.answering.set()
        server.close()
        await proxy.end()
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 5)
