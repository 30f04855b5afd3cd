"""An export read and checked by a process of its own, ahead of who takes the events in."""

import multiprocessing
import signal
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Final, TypeAlias

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from app.audit import Audit
from app.event_log import Logged
from app.export_file import AT_ONCE, ExportReader, Heading, Unreadable
from app.fault import Fault, FaultFound
from app.garbage import collect_rarely


class _Begun(Struct, tag=True):
    heading: Heading


class _Read(Struct, tag=True):
    events: list[Logged]


class _Damaged(Struct, tag=True):
    reason: str


class _Faulty(Struct, tag=True):
    fault: Fault


class _Ended(Struct, tag=True):
    pass


_Message: TypeAlias = _Begun | _Read | _Damaged | _Faulty | _Ended

_ENCODER: Final = Encoder()
_MESSAGES: Final[Decoder[_Message]] = Decoder(_Message)


class ReadAhead:
    """What `ExportReader` gives, while another process decodes and checks what follows.

    That takes four tenths of an import's time, and Python runs on one processor a process.
    """

    def __init__(self, messages: Connection) -> None:
        """Raises `Unreadable`."""
        self._messages: Final = messages
        first = self._receive()
        if not isinstance(first, _Begun):
            raise Unreadable("The process that reads the file did not begin.")
        self.heading: Final = first.heading

    def chunks(self) -> Iterator[list[Logged]]:
        """The events in the order of the file, some at a time; each follows on the one before.

        On what the first one follows is for the caller to check. Raises `Unreadable` and
        `FaultFound`.
        """
        while isinstance(message := self._receive(), _Read):
            yield message.events

    def _receive(self) -> _Message:
        try:
            message = _MESSAGES.decode(self._messages.recv_bytes())
        except (EOFError, OSError) as error:  # between two messages or within one
            raise Unreadable("The process that reads the file has ended.") from error
        if isinstance(message, _Damaged):
            raise Unreadable(message.reason)
        if isinstance(message, _Faulty):
            raise FaultFound(message.fault)
        return message


@contextmanager
def reading_ahead(file: Path, at_once: int = AT_ONCE) -> Generator[ReadAhead]:
    """A reader of `file`, so many events at a time, whose process ends with the context.

    Raises `Unreadable`.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_read, args=(file, at_once, there), daemon=True)
    process.start()
    there.close()  # so that the end of the process is seen here
    try:
        with closing(here):
            yield ReadAhead(here)
    finally:
        process.terminate()
        process.join()


def _read(file: Path, at_once: int, messages: Connection) -> None:
    """Send the file, message by message; who stops listening has this process end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who reads, and then ends this
    collect_rarely()
    with suppress(BrokenPipeError), file.open("rb") as opened:
        for message in _messages(opened, at_once):
            messages.send_bytes(_ENCODER.encode(message))


def _messages(opened: IO[bytes], at_once: int) -> Iterator[_Message]:
    try:
        reader = ExportReader(opened)
        heading = reader.heading
        yield _Begun(heading)
        audit = Audit(heading.tenant.id, after=heading.after, previous=None)
        for events in reader.chunks(at_once):
            for logged in events:
                audit.take(logged)
            yield _Read(events)
    except Unreadable as error:
        yield _Damaged(str(error))
    except FaultFound as found:
        yield _Faulty(found.fault)
    else:
        yield _Ended()
