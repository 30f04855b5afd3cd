"""Which of the media types that a route offers a caller takes, by the Accept header."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from app import problems
from app.problems import problem

_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_RANGE: Final = re.compile(rf"\s*({_NAME})/({_NAME})\s*((?:;.*)?)")
_QUALITY: Final = re.compile(
    r";\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)", re.IGNORECASE
)


class _Range(NamedTuple):
    kind: str
    subtype: str
    quality: float

    def specificity(self, media_type: str) -> int:
        """How closely the range names `media_type`: 0 if it does not."""
        kind, _, subtype = media_type.partition("/")
        if (self.kind, self.subtype) == (kind, subtype):
            return 3
        if (self.kind, self.subtype) == (kind, "*"):
            return 2
        return int((self.kind, self.subtype) == ("*", "*"))


def chosen(headers: Iterable[tuple[bytes, bytes]], offered: Sequence[str]) -> str:
    """The one of `offered` that the caller likes best, the first among equals.

    As RFC 9110 (12.5.1) has it: the range that names a type most closely decides on it, and
    quality 0 rules it out. Litestar's own reading of the header lets */* outrank a type that
    is named with less quality, and takes quality 0 for a yes. Parameters of a range are of no
    account, as the types have none. Raises `Problem`.
    """
    given = [value.decode("latin-1") for name, value in headers if name == b"accept"]
    if not "".join(given).strip():
        return offered[0]
    ranges = [found for each in ",".join(given).split(",") if (found := _range(each))]
    best = max(offered, key=lambda media_type: _quality(media_type, ranges))
    if not _quality(best, ranges):
        detail = f"Accept takes none of what there is: {', '.join(offered)}."
        raise problem(problems.NOT_ACCEPTABLE, detail, offered=list(offered))
    return best


def _range(text: str) -> _Range | None:
    parts = _RANGE.fullmatch(text.rstrip())
    if not parts:
        return None
    kind, subtype, parameters = parts.groups()
    quality = _QUALITY.search(parameters)
    return _Range(kind.lower(), subtype.lower(), float(quality[1]) if quality else 1)


def _quality(media_type: str, ranges: Sequence[_Range]) -> float:
    naming = [each for each in ranges if each.specificity(media_type)]
    closest = max(naming, key=lambda each: each.specificity(media_type), default=None)
    return closest.quality if closest else 0
