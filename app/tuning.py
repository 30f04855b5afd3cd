"""What the embedded PostgreSQL server is told in place of PostgreSQL's own defaults."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_MIB: Final = 2**20
_LEAST_BUFFERS_MIB: Final = 128  # PostgreSQL's default
_MOST_BUFFERS_MIB: Final = 4096
_CONTAINER_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


def settings(memory_bytes: int) -> dict[str, str]:
    """Settings for a machine with so much memory; none of them weakens durability.

    docs/settings.md says why, for those who bring their own server.
    """
    quarter = memory_bytes // 4 // _MIB
    return {
        "shared_buffers": f"{min(max(quarter, _LEAST_BUFFERS_MIB), _MOST_BUFFERS_MIB)}MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "wal_init_zero": "off",
    }


def memory_bytes() -> int:
    """How much memory there is: the machine's, or less if the container has less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no such limit on this system, or it is "max"
        return min(memory, int(_CONTAINER_LIMIT.read_text()))
    return memory
