"""The two services under load, each in processes of its own."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from app.settings import Settings
from benchmarks.failure import BenchmarkFailed

HOST: Final = "127.0.0.1"
WORKERS: Final = 1
STARTING_SECONDS: Final = 60.0
STOPPING_SECONDS: Final = 45.0
_PROJECT: Final = Path(__file__).parent.parent
_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def ledger(database_url: str, logs: Path) -> Generator[str]:
    """The ledger on a database, started as anybody starts it; yields its root URL."""
    settings = {"DATABASE_URL": database_url, "CURSOR_SECRET": secrets.token_urlsafe(48)}
    with _serving(("app", "serve"), settings, logs / "ledger.log") as root:
        yield root


@contextmanager
def no_op(logs: Path) -> Generator[str]:
    """The no-op service; yields its root URL."""
    with _serving(("benchmarks.no_op",), {}, logs / "no_op.log") as root:
        yield root


def answer(url: str) -> str:
    """The text at `url`, past any proxy. Raises `OSError` unless it is a success."""
    with _DIRECTLY.open(url, timeout=10) as response:
        text: str = response.read().decode()
    return text


@contextmanager
def _serving(module: tuple[str, ...], settings: Mapping[str, str], log: Path) -> Generator[str]:
    port = _free_port()
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches the benchmark alone, which then stops the rest
        # in order, and what does not stop can be killed with all its workers.
        process = subprocess.Popen(  # noqa: S603 -- this interpreter, modules of this project
            [sys.executable, "-m", *module],
            env=_environment({**settings, "PORT": str(port)}),
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        root = f"http://{HOST}:{port}"
        _wait_until_ready(root, process)
        yield root
    except BenchmarkFailed:
        print(_last_words(process, log), file=sys.stderr)
        raise
    finally:
        _stop(process)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment with `settings`, and every other setting at its default."""
    known = {field.upper() for field in Settings.__struct_fields__}
    others = {name: value for name, value in os.environ.items() if name not in known}
    return {**others, "HOST": HOST, "WORKERS": str(WORKERS), **settings}


def _wait_until_ready(root: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            answer(f"{root}/readyz")
            return
        time.sleep(0.05)
    raise BenchmarkFailed("A service did not start.")


def _last_words(process: subprocess.Popen[bytes], log: Path) -> str:
    status = process.poll()
    state = "still runs" if status is None else f"has ended with status {status}"
    lines = log.read_text(errors="replace").splitlines()[-20:]
    return "\n".join(
        [f"The {log.stem} service {state}; it said:", *(f"    {line}" for line in lines)]
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOPPING_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
