"""An export: a tenant's events in one Avro object container, headed by the tenant itself."""

import zlib
from collections.abc import Iterator, Sequence
from typing import IO, Any, Final, cast

import fastavro
from fastavro.write import Writer
from msgspec import Struct
from msgspec.json import decode, encode

from app.avro_events import SCHEMA, UnknownEvent, read_blocks, write_block
from app.complaint import Complaint
from app.event_log import Logged
from domain.tenant import TenantStatus, Wallet

_HEADING: Final = "stakebook.export"
_BLOCK_EVENTS: Final = 1_000
_FAST: Final = 1  # of zlib's levels
AT_ONCE: Final = 5_000
# What fastavro, zlib and the decoders raise on bytes that are not what they should be.
_DAMAGE: Final = (
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    ArithmeticError,
    MemoryError,
    zlib.error,
)


class Unreadable(Complaint):
    """The file cannot be read, or not any further; the message says why."""


class ExportedTenant(Struct, frozen=True, kw_only=True):
    """The tenant's own row."""

    id: int
    name: str
    slug: str
    status: TenantStatus
    plan: str
    wallet: Wallet


class Heading(Struct, frozen=True, kw_only=True):
    """What a file holds: the tenant's events after one position, up to another."""

    tenant: ExportedTenant
    after: int
    to: int


class ExportWriter:
    """Writes an export to `file`, block by block."""

    def __init__(self, file: IO[bytes], heading: Heading) -> None:
        self._writer: Final = Writer(
            file,
            SCHEMA,
            codec="deflate",
            compression_level=_FAST,
            metadata={_HEADING: encode(heading).decode()},
        )

    def write(self, events: Sequence[Logged]) -> None:
        """Write events, which follow on those before, as blocks of their own."""
        for first in range(0, len(events), _BLOCK_EVENTS):
            write_block(self._writer, events[first : first + _BLOCK_EVENTS])


class ExportReader:
    """Reads an export from `file`, a block at a time. Raises `Unreadable`."""

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._blocks: Final = fastavro.block_reader(file, reader_schema=SCHEMA)
        except _DAMAGE as error:
            raise Unreadable(f"This is no export: {error}.") from error
        metadata: dict[str, str] = cast("Any", self._blocks).metadata
        if _HEADING not in metadata:
            raise Unreadable("This is no export: it does not say whose events it holds.")
        try:
            self.heading: Final = decode(metadata[_HEADING], type=Heading)
        except _DAMAGE as error:
            raise Unreadable(f"This export's heading cannot be read: {error}.") from error

    def chunks(self, at_once: int = AT_ONCE) -> Iterator[list[Logged]]:
        """The events in the order of the file, so many at a time.

        Raises `Unreadable` once all that precedes the damage has been handed over.
        """
        chunk: list[Logged] = []
        try:
            for logged in self._events():
                chunk.append(logged)
                if len(chunk) == at_once:
                    yield chunk
                    chunk = []
        except Unreadable:
            if chunk:
                yield chunk
            raise
        if chunk:
            yield chunk

    def _events(self) -> Iterator[Logged]:
        last = self.heading.after
        try:
            for logged in read_blocks(self._blocks):
                last = logged.recorded.position
                yield logged
        except UnknownEvent as error:
            raise Unreadable(
                f"The event after position {last} is of a type that this version does not"
                f" know: {error}."
            ) from error
        except _DAMAGE as error:
            raise Unreadable(f"The file is damaged after position {last}: {error}.") from error
        if last != self.heading.to:
            raise Unreadable(f"The file ends at position {last} instead of {self.heading.to}.")
