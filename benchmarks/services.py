"""The services under load, each in processes of its own."""

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
from typing import Final, NamedTuple

from msgspec import Struct

from app.settings import Settings
from benchmarks.failure import BenchmarkFailed
from benchmarks.scenarios import Service

HOST: Final = "127.0.0.1"
WORKERS: Final = 1
STARTING_SECONDS: Final = 60.0
STOPPING_SECONDS: Final = 45.0
_PROJECT: Final = Path(__file__).parent.parent
_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Running(Struct, frozen=True, kw_only=True):
    """A service that answers at `root`; `pid` is the process that started its workers."""

    root: str
    pid: int


@contextmanager
def everything(database_url: str, logs: Path) -> Generator[dict[Service, Running]]:
    """All services on one database that has its schema; idle ones use no processor time."""
    commands: dict[Service, _Command] = {
        "no-op": _Command(("benchmarks.no_op",), {}, logs / "no_op.log"),
        "shell": _Command(("benchmarks.shell",), {}, logs / "shell.log"),
        "by hand": _Command(
            ("benchmarks.by_hand",), {"DATABASE_URL": database_url}, logs / "by_hand.log"
        ),
        "ledger": _ledger(database_url, logs, WORKERS),
        "two workers": _ledger(database_url, logs, 2),
    }
    with _serving(*commands.values()) as running:
        yield dict(zip(commands, running, strict=True))


@contextmanager
def ledger(database_url: str, logs: Path) -> Generator[Running]:
    """The ledger on a database that has its schema, alone."""
    with _serving(_ledger(database_url, logs, WORKERS)) as running:
        yield running[0]


def answer(url: str) -> str:
    """The text at `url`, past any proxy. Raises `OSError` unless it is a success."""
    with _DIRECTLY.open(url, timeout=10) as response:
        text: str = response.read().decode()
    return text


class _Command(NamedTuple):
    """How a service is started: a module with its arguments, settings, and where it logs."""

    module: tuple[str, ...]
    settings: Mapping[str, str]
    log: Path


class _Launched(NamedTuple):
    root: str
    process: subprocess.Popen[bytes]
    log: Path


def _ledger(database_url: str, logs: Path, workers: int) -> _Command:
    """The ledger as anybody starts it."""
    settings = {
        "DATABASE_URL": database_url,
        "CURSOR_SECRET": secrets.token_urlsafe(48),
        "WORKERS": str(workers),
    }
    return _Command(("app", "serve"), settings, logs / f"ledger_{workers}.log")


@contextmanager
def _serving(*commands: _Command) -> Generator[list[Running]]:
    launched: list[_Launched] = []
    try:
        launched.extend(map(_launch, commands))
        for service in launched:
            _wait_until_ready(service)
        yield [Running(root=service.root, pid=service.process.pid) for service in launched]
    except BenchmarkFailed:
        for service in launched:
            print(_last_words(service), file=sys.stderr)
        raise
    finally:
        for service in launched:
            service.process.terminate()
        for service in launched:
            _stop(service.process)


def _launch(command: _Command) -> _Launched:
    port = _free_port()
    with command.log.open("wb") as output:
        # A session of its own: Ctrl-C reaches the benchmark alone, which then stops the rest
        # in order, and what does not stop can be killed with all its workers.
        process = subprocess.Popen(  # noqa: S603 -- this interpreter, modules of this project
            [sys.executable, "-m", *command.module],
            env=_environment({**command.settings, "PORT": str(port)}),
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return _Launched(f"http://{HOST}:{port}", process, command.log)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment with `settings`, and every other setting at its default."""
    known = {field.upper() for field in Settings.__struct_fields__}
    others = {name: value for name, value in os.environ.items() if name not in known}
    return {**others, "HOST": HOST, "WORKERS": str(WORKERS), **settings}


def _wait_until_ready(service: _Launched) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while service.process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            answer(f"{service.root}/readyz")
            return
        time.sleep(0.05)
    raise BenchmarkFailed("A service did not start.")


def _last_words(service: _Launched) -> str:
    status = service.process.poll()
    state = "still runs" if status is None else f"has ended with status {status}"
    lines = service.log.read_text(errors="replace").splitlines()[-20:]
    return "\n".join(
        [f"The service of {service.log.name} {state}; it said:", *(f"    {line}" for line in lines)]
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOPPING_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
