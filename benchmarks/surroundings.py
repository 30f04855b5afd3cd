"""Where a measurement was made: the machine, the versions, the settings, the commit."""

import asyncio
import os
import platform
import shutil
import statistics
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

import asyncpg
from msgspec import Struct

from app.settings import Settings
from benchmarks.services import WORKERS

_PACKAGES: Final = ("litestar", "granian", "uvloop", "msgspec", "asyncpg", "sqlalchemy")
_POSTGRES_SETTINGS: Final = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
)
_NOT_TOLD: Final = {"database_url", "cursor_secret", "data_dir", "host", "port"}
_FLUSHES: Final = 100
_FLUSHED_BYTES: Final = 8192
_PROJECT: Final = Path(__file__).parent.parent


class Machine(Struct, frozen=True, kw_only=True):
    """The hardware, as far as it decides the figures."""

    system: str
    cores: int
    cpu: str
    memory_gib: float
    disk_flush_ms: float | None


class Surroundings(Struct, frozen=True, kw_only=True):
    """Everything that a figure has to be read with."""

    machine: Machine
    versions: dict[str, str]
    settings: dict[str, object]
    postgres_settings: dict[str, str]
    commit: str | None
    uncommitted_changes: bool


def observe(url: str, directory: Path, wrk_version: str) -> Surroundings:
    """Look around; `directory` is where an embedded server keeps its data."""
    postgres = asyncio.run(_postgres(url))
    told = set(Settings.__struct_fields__) - _NOT_TOLD
    settings = Settings(workers=WORKERS)
    return Surroundings(
        machine=_machine(None if os.environ.get("DATABASE_URL") else directory),
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in _PACKAGES},
            "postgres": postgres.pop("server_version"),
            "wrk": wrk_version,
        },
        settings={name: getattr(settings, name) for name in sorted(told)},
        postgres_settings=postgres,
        commit=_git("rev-parse", "HEAD"),
        uncommitted_changes=bool(_git("status", "--porcelain")),
    )


async def _postgres(url: str) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        names = ("server_version", *_POSTGRES_SETTINGS)
        return {name: await connection.fetchval(f"SHOW {name}") for name in names}
    finally:
        await connection.close()


def _machine(disk: Path | None) -> Machine:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        cpu=_cpu(),
        memory_gib=round(memory / 2**30, 1),
        disk_flush_ms=_flush_ms(disk) if disk else None,
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return _said("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def _flush_ms(directory: Path) -> float:
    """How long the disk takes to make a page durable, which bounds what one caller can do."""
    times: list[float] = []
    file = directory / "flush"
    with file.open("wb", buffering=0) as page:
        for _ in range(_FLUSHES):
            started = time.perf_counter()
            page.write(bytes(_FLUSHED_BYTES))
            os.fsync(page.fileno())
            times.append(time.perf_counter() - started)
    file.unlink()
    return round(statistics.median(times) * 1000, 3)


def _git(*arguments: str) -> str | None:
    return _said("git", *arguments)


def _said(program: str, *arguments: str) -> str | None:
    """What a program answers; None if it is not there or fails."""
    if (path := shutil.which(program)) is None:
        return None
    ended = subprocess.run(  # noqa: S603 -- found by its name, arguments made in this module
        [path, *arguments], check=False, capture_output=True, text=True, cwd=_PROJECT
    )
    return ended.stdout.strip() if ended.returncode == 0 else None
