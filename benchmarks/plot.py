"""The picture of the measurement: throughput and p99 against connections, as SVG."""

from collections.abc import Sequence
from itertools import product
from math import ceil, floor, log2, log10
from pathlib import Path
from typing import Any, Final, TypeAlias
from xml.etree import ElementTree as ET

import pygal  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # untyped there
from msgspec import Struct
from pygal.style import Style  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # untyped there

Panel: TypeAlias = ET.Element
"""A chart that is drawn and has a place in a picture."""

PICTURE: Final = Path(__file__).parent.parent / "docs" / "throughput.svg"

_WIDTH: Final = 440  # of one of the two panels
_HEIGHT: Final = 340
_BACKGROUND: Final = "#ffffff"
_ROOM: Final = 1.1  # above and beside what was measured

_STYLE: Final[Any] = Style(
    background=_BACKGROUND,
    plot_background=_BACKGROUND,
    foreground="#57606a",
    foreground_strong="#24292f",
    foreground_subtle="#57606a",
    guide_stroke_color="#d8dee4",
    major_guide_stroke_color="#d8dee4",
    guide_stroke_dasharray="1,0",
    major_guide_stroke_dasharray="1,0",
    colors=("#8c959f", "#bf8700", "#0969da", "#8250df", "#1a7f37"),
    font_family="sans-serif",
    title_font_size=14,
    label_font_size=12,
    major_label_font_size=12,
    legend_font_size=13,
    stroke_width=2.5,
    stroke_opacity=1,
    opacity=1,
    transition="0",
)


class Point(Struct, frozen=True, kw_only=True):
    """What a service did with so many connections."""

    connections: int
    requests_per_second: float
    p99_ms: float


class Line(Struct, frozen=True, kw_only=True):
    """One service, by the name that it has in the legend."""

    name: str
    points: Sequence[Point]


def draw(lines: Sequence[Line], file: Path = PICTURE) -> None:
    """Write the picture; equal figures make an equal file."""
    file.write_text(beside((_throughput(lines), _p99(lines))), encoding="utf-8")


def _throughput(lines: Sequence[Line]) -> Panel:
    most = max(point.requests_per_second for point in _points(lines))
    panel = chart("Requests per second", "connections", columns=len(lines), range=(0, most * _ROOM))
    connections = {point.connections for point in _points(lines)}
    panel.x_labels = [{"value": log2(n), "label": str(n)} for n in sorted(connections)]
    panel.xrange = (log2(min(connections) / _ROOM), log2(max(connections) * _ROOM))
    for line in lines:
        values = [(log2(point.connections), point.requests_per_second) for point in line.points]
        panel.add(line.name, values)
    return tree(panel)


def _p99(lines: Sequence[Line]) -> Panel:
    steps = _steps([point.p99_ms for point in _points(lines)])
    panel = chart(
        "p99 in ms",
        "connections",
        columns=len(lines),
        range=(steps[0], steps[-1] * _ROOM),
        logarithmic=True,
    )
    panel.y_labels = steps
    connections = {point.connections for point in _points(lines)}
    panel.x_labels = [{"value": n, "label": str(n)} for n in sorted(connections)]
    panel.xrange = (min(connections) / _ROOM, max(connections) * _ROOM)
    for line in lines:
        panel.add(line.name, [(point.connections, point.p99_ms) for point in line.points])
    return tree(panel)


def _points(lines: Sequence[Line]) -> list[Point]:
    return [point for line in lines for point in line.points]


def _steps(times: Sequence[float]) -> list[float]:
    """1, 2 and 5 of each power of ten, from just below `times` to just above."""
    exponents = range(floor(log10(min(times))), ceil(log10(max(times))) + 1)
    steps = [step * 10.0**exponent for exponent, step in product(exponents, (1, 2, 5))]
    lowest = max(step for step in steps if step <= min(times))
    highest = min(step for step in steps if step >= max(times))
    return [step for step in steps if lowest <= step <= highest]


def chart(title: str, x_title: str, *, columns: int, **options: Any) -> Any:
    """An empty panel, in the style of all of them; `columns` is the number of its lines."""
    return pygal.XY(
        style=_STYLE,
        css=("file://style.css", "file://graph.css", "inline:.axis.x .line { display: none }"),
        width=_WIDTH,
        height=_HEIGHT,
        title=title,
        x_title=x_title,
        margin=12,
        dots_size=3,
        include_x_axis=False,
        legend_at_bottom=True,
        legend_at_bottom_columns=columns,
        legend_box_size=10,
        truncate_legend=-1,
        no_prefix=True,
        js=[],
        value_formatter="{:,.10g}".format,
        **options,
    )


def tree(panel: Any) -> Panel:
    """The panel, drawn."""
    drawn: Panel = panel.render_tree()
    return drawn


def beside(panels: Sequence[Panel]) -> str:
    """The panels in one picture, which has their common style once."""
    width = _WIDTH * len(panels)
    picture = ET.Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {_HEIGHT}",
        width=str(width),
        height=str(_HEIGHT),
    )
    # Those of the panel with the most lines name the colours of all.
    styles = max((panel.findall("defs/style") for panel in panels), key=_length)
    picture.extend(styles)
    # The page that shows the picture may be light or dark.
    ET.SubElement(picture, "rect", width="100%", height="100%", fill=_BACKGROUND)
    for number, panel in enumerate(panels):
        _strip(panel)
        panel.attrib.update(x=str(_WIDTH * number), width=str(_WIDTH), height=str(_HEIGHT))
        del panel.attrib["id"]
        picture.append(panel)
    return ET.tostring(picture, encoding="unicode") + "\n"


def _length(styles: Sequence[ET.Element]) -> int:
    return sum(len(style.text or "") for style in styles)


def _strip(panel: Panel) -> None:
    """Take out comments, of which one holds today's date, and what only a web page can use."""
    for element in list(panel.iter()):
        for child in list(element):
            tag: Any = child.tag  # a function for a comment, whatever its type says
            if tag in {ET.Comment, "defs", "desc"}:
                element.remove(child)
