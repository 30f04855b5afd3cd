"""The memory that a service holds: all its processes, without the database's."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct

_PROC: Final = Path("/proc")
_KIB_IN_MIB: Final = 1024


class Memory(Struct, frozen=True, kw_only=True):
    """What the processes hold in RAM, in MiB.

    `resident_mib` sums their resident sets, which is the figure to compare: it counts what
    they share once for each and so is never too small, it is known on every system, and it
    is not smaller because somebody else on the machine runs the same interpreter.
    `proportional_mib` divides every page by the processes that share it, whoever they are.
    """

    processes: int
    resident_mib: float
    proportional_mib: float | None


class _Process(NamedTuple):
    parent: int
    resident_kib: int


def of_service(process_id: int) -> Memory | None:
    """The memory of a process and all its descendants; None where the system does not tell."""
    running = dict(_processes())
    tree = list(_descendants(process_id, running))
    if not tree:
        return None
    shares = [_proportional_kib(number) for number in tree]
    known = [share for share in shares if share is not None]
    return Memory(
        processes=len(tree),
        resident_mib=_mib(sum(running[number].resident_kib for number in tree)),
        proportional_mib=_mib(sum(known)) if len(known) == len(tree) else None,
    )


def _descendants(process_id: int, running: Mapping[int, _Process]) -> Iterator[int]:
    if process_id in running:
        yield process_id
    for number, process in running.items():
        if process.parent == process_id:
            yield from _descendants(number, running)


def _processes() -> Iterator[tuple[int, _Process]]:
    if Path(_PROC, "self", "status").exists():
        yield from _from_proc()
    elif program := shutil.which("ps"):
        yield from _from_ps(program)


def _from_proc() -> Iterator[tuple[int, _Process]]:
    for status in _PROC.glob("[0-9]*/status"):
        with suppress(OSError):  # it has ended meanwhile
            fields = _fields(status.read_text())
            # A process of the kernel holds nothing and has no line for it.
            resident_kib = fields.get("VmRSS", 0)
            yield fields["Pid"], _Process(fields["PPid"], resident_kib)


def _from_ps(program: str) -> Iterator[tuple[int, _Process]]:
    listed = subprocess.run(  # noqa: S603 -- found by its name, no arguments from outside
        [program, "-axo", "pid=,ppid=,rss="], check=False, capture_output=True, text=True
    )
    for line in listed.stdout.splitlines():
        number, parent, resident_kib = map(int, line.split())
        yield number, _Process(parent, resident_kib)


def _proportional_kib(process_id: int) -> int | None:
    with suppress(OSError):  # not Linux, or the process belongs to somebody else
        return _fields(Path(_PROC, str(process_id), "smaps_rollup").read_text())["Pss"]
    return None


def _fields(text: str) -> dict[str, int]:
    """The fields of a file of /proc that are one number; sizes are in KiB."""
    lines = (line.partition(":") for line in text.splitlines())
    values = ((name, value.split()) for name, _, value in lines)
    return {name: int(parts[0]) for name, parts in values if parts and parts[0].isdigit()}


def _mib(kib: int) -> float:
    return round(kib / _KIB_IN_MIB, 1)
