"""The service and its commands as processes of their own, `python -m app …`."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx

from tests.app.locks import until
from tests.conftest import SECRET, Client

ROOT: Final = Path(__file__).parents[2]
BASE: Final = {
    name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
}
BACK_WITHIN_SECONDS: Final = 60


class ServiceProcess:
    """A running `stakebook serve`; `client` calls it as the default tenant.

    `said` is what it wrote, once it has ended.
    """

    said = ""

    def __init__(
        self, process: "subprocess.Popen[bytes]", client: Client, port: int, log: int
    ) -> None:
        self.client = client
        self.port = port
        self._process = process
        self._log = log

    def output(self) -> str:
        """What it and its workers have printed and logged."""
        return _content(self._log)

    @property
    def pid(self) -> int:
        """The process that was started, whose children serve."""
        return self._process.pid

    def terminate(self) -> None:
        """Tell it to stop, as an orchestrator does."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and its workers without a word, as a machine that fails."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def ended(self) -> int:
        """Wait for its end and return its exit status."""

        async def gone() -> bool:
            return self._process.poll() is not None

        await until(gone)
        return int(self._process.returncode)


@asynccontextmanager
async def serving(**environment: str) -> AsyncGenerator[ServiceProcess, None]:
    """A service with this environment, ready; stopped by SIGTERM at the end."""
    port = free_port()
    given = BASE | {"PORT": str(port), "CURSOR_SECRET": SECRET} | environment
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time
            [sys.executable, "-m", "app", "serve"],
            cwd=ROOT,
            env=given,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        limits = httpx.Limits(max_connections=300)
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as http:
            service = ServiceProcess(process, Client(http), port, log.fileno())

            async def ready() -> bool:
                assert process.poll() is None, _content(log.fileno())
                with suppress(httpx.TransportError):
                    return (await http.get("/readyz")).status_code == 200
                return False

            try:
                await until(ready)
                yield service
                if process.poll() is None:
                    service.terminate()
                    await service.ended()
            finally:
                service.kill()
                process.wait()
                service.said = _content(log.fileno())


async def run(
    *arguments: str, python: Sequence[str] = (sys.executable,), **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run a `stakebook` command to its end."""
    return await asyncio.to_thread(
        subprocess.run,
        [*python, "-m", "app", *arguments],
        cwd=ROOT,
        env=BASE | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=BACK_WITHIN_SECONDS,
    )


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _content(descriptor: int) -> str:
    return os.pread(descriptor, 100_000, 0).decode(errors="replace")
