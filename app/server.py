"""The HTTP server around the application: workers, signals, a shutdown in order."""

import errno
import multiprocessing
import os
import resource
import signal
import socket
import threading
from contextlib import closing, suppress
from typing import Any, Final, cast

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from app.complaint import Complaint
from app.settings import Settings

BACKLOG: Final = 4096  # the system may allow less
CONNECTIONS: Final = 8192  # of each worker, at most; who comes beyond them is not even refused
_OTHER_FILES: Final = 256
MOST_HEADER_BYTES: Final = 32 * 1024


class PortTaken(Complaint):
    """Somebody else listens there already; the message says what to do."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"Cannot listen on {host}:{port}: {reason}."
            " Stop what listens there or set HOST or PORT."
        )


class DrainingServer(MPServer):
    """A server that reports itself not ready for a while before it stops.

    The first SIGTERM makes /readyz fail and goes on serving for `drain_seconds`, so that a
    load balancer can turn away; SIGINT (Ctrl-C) and a second signal stop at once. Streams and
    requests that wait for events end with the stop: by then those who come again go elsewhere.

    The stop waits for the answers under way, and for requests whose callers have stopped
    within them, but for no longer than `stop_seconds`. That, or a signal that comes meanwhile,
    ends the workers as a crash would: who gets no answer sends the command again with its key.
    """

    drain_seconds = 0.0
    _told = False
    _stopping = False

    def signal_handler_interrupt(self, *args: Any, **_: Any) -> None:
        """Granian's handler of SIGTERM and SIGINT."""
        if self._stopping:
            _tell_workers(signal.SIGKILL)
            return
        if self._told or args[:1] == (signal.SIGINT,) or not self.drain_seconds:
            self._stop()
            return
        self._told = True
        _tell_workers(signal.SIGUSR1)
        timer = threading.Timer(self.drain_seconds, self._stop)
        timer.daemon = True
        timer.start()

    def _stop(self) -> None:
        if self._stopping:  # a worker that is ending knows the signal no more, and would die
            return
        self._stopping = True
        _tell_workers(signal.SIGUSR2)
        super().signal_handler_interrupt()  # type: ignore[no-untyped-call]  # pyright: ignore[reportUnknownMemberType]  # untyped there


def _tell_workers(signal_number: signal.Signals) -> None:
    for worker in multiprocessing.active_children():
        with suppress(ProcessLookupError):  # it may have ended since
            os.kill(cast("int", worker.pid), signal_number)


def check_port(host: str, port: int) -> None:
    """Raise `PortTaken` if the port cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise PortTaken(host, port, "the port is taken" if taken else str(error)) from error


def _connections() -> int:
    """How many connections a worker takes: as many as it may have files open, at most.

    Shells often allow 1,024 and let a process ask for more, which this one does.
    """
    wanted, unlimited = CONNECTIONS + _OTHER_FILES, resource.RLIM_INFINITY
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == unlimited else min(wanted, hard)
    if soft != unlimited and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(most - _OTHER_FILES, 1)


def serve(settings: Settings, target: str = "app.asgi:create") -> None:
    """Serve `target` until a signal says stop; workers start from the environment."""
    # A worker starts from nothing: no locks, no settings of libraries come over from here.
    multiprocessing.set_start_method("spawn", force=True)
    server = DrainingServer(
        target,
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=MOST_HEADER_BYTES),
        websockets=False,
        backlog=BACKLOG,
        backpressure=_connections(),
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=settings.stop_seconds,
    )
    server.drain_seconds = settings.drain_seconds
    server.serve()
