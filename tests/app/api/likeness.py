"""What an answer says, without what no two answers have in common."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import httpx

_UNLIKE_HEADERS: Final = {"date", "x-request-id", "content-length"}
_UNLIKE: Final = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)"), "<time>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hash>"),
    (re.compile(r"\b1\d{12}\b"), "<milliseconds>"),
    (re.compile(r'(?<="next_cursor":")[\w.-]+'), "<cursor>"),
)
_ID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


class Likeness(NamedTuple):
    """Status, headers and body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: str


def likeness(answer: httpx.Response, ids: dict[str, str] | None = None) -> Likeness:
    """The answer with ids replaced by numbers, and times, hashes and cursors left out.

    Ids are numbered as they come up; with the same `ids`, several answers number them together.
    """
    numbers = {} if ids is None else ids
    kept = {name: answer.headers[name] for name in answer.headers.keys() - _UNLIKE_HEADERS}
    if "allow" in kept:  # methods in no order
        kept["allow"] = ", ".join(sorted(kept["allow"].split(", ")))
    headers = {name: _plain(value, numbers) for name, value in sorted(kept.items())}
    return Likeness(answer.status_code, headers, _plain(answer.text, numbers))


def _plain(text: str, numbers: dict[str, str]) -> str:
    for pattern, replacement in _UNLIKE:
        text = pattern.sub(replacement, text)
    return _ID.sub(lambda found: numbers.setdefault(found[0], f"<id {len(numbers)}>"), text)
