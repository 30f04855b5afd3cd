"""An export that another process reads ahead: all of it, or a reason why not."""

import multiprocessing
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.chain import digest
from app.event_log import Logged
from app.export_file import Unreadable
from app.reading_ahead import reading_ahead
from tests import corpus
from tests.app.transfers import make

LOG = corpus.events()
TIME = LOG[0].recorded.timestamp


def chained(events: Iterable[Logged]) -> list[Logged]:
    """The events as one log: in one row, all at one time."""
    log, previous = list[Logged](), b""
    for position, logged in enumerate(events, start=1):
        recorded = replace(logged.recorded, position=position, timestamp=TIME)
        previous = digest(recorded, previous)
        log.append(Logged(recorded, previous))
    return log


MANY = chained(LOG * 400)  # more than a pipe holds


def written(file: Path, *, without: int = 0) -> Path:
    """An export of many events, less its last bytes."""
    make(file, MANY)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) - without])
    return file


def test_every_event_arrives_as_it_was_written(tmp_path: Path) -> None:
    with reading_ahead(written(tmp_path / "file"), at_once=7) as reader:
        chunks = list(reader.chunks())
    assert {len(chunk) for chunk in chunks[:-1]} == {7}
    assert [logged for chunk in chunks for logged in chunk] == MANY


def test_what_precedes_the_damage_arrives_before_it_is_told(tmp_path: Path) -> None:
    arrived: list[Logged] = []
    with reading_ahead(written(tmp_path / "file", without=100), at_once=7) as reader:
        chunks = chain.from_iterable(reader.chunks())
        with pytest.raises(Unreadable, match="damaged after position"):
            arrived.extend(chunks)
    assert 0 < len(arrived) < len(MANY)
    assert arrived == MANY[: len(arrived)]


def test_a_process_that_is_killed_is_not_taken_for_the_end_of_the_file(tmp_path: Path) -> None:
    with reading_ahead(written(tmp_path / "file"), at_once=7) as reader:
        (process,) = multiprocessing.active_children()
        process.kill()
        process.join()
        with pytest.raises(Unreadable, match="has ended"):
            list(reader.chunks())


def test_the_process_ends_with_who_reads(tmp_path: Path) -> None:
    with reading_ahead(written(tmp_path / "file"), at_once=7):
        assert len(multiprocessing.active_children()) == 1
    assert multiprocessing.active_children() == []
