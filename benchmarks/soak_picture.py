"""The picture of a soak: the service's memory and its latency against time, as SVG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from benchmarks import plot

PICTURE: Final = Path(__file__).parent.parent / "docs" / "soak.svg"

_ROOM: Final = 1.1  # above what was measured
_MARKS: Final = 6


class Sample(Struct, frozen=True, kw_only=True):
    """What a soak showed at the end of some seconds."""

    minutes: float
    resident_mib: float
    p50_ms: float
    p99_ms: float


def draw(samples: Sequence[Sample], file: Path = PICTURE) -> None:
    """Write the picture."""
    held = {"service": [sample.resident_mib for sample in samples]}
    took = {
        "p50": [sample.p50_ms for sample in samples],
        "p99": [sample.p99_ms for sample in samples],
    }
    minutes = [sample.minutes for sample in samples]
    panels = (
        _panel("Resident memory in MiB", minutes, held),
        _panel("Time to place a bet in ms", minutes, took),
    )
    file.write_text(plot.beside(panels), encoding="utf-8")


def _panel(title: str, minutes: Sequence[float], lines: dict[str, list[float]]) -> plot.Panel:
    most = max(max(values) for values in lines.values())
    chart = plot.chart(
        title, "minutes", columns=len(lines), range=(0, most * _ROOM), show_dots=False
    )
    step = max(1, round(max(minutes) / _MARKS))
    chart.x_labels = list(range(0, round(max(minutes)) + 1, step))
    chart.xrange = (0, max(minutes))
    for name, values in lines.items():
        chart.add(name, list(zip(minutes, values, strict=True)))
    return plot.tree(chart)
