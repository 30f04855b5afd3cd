"""What the lists of the past take for granted about bets."""

from typing import Final, get_args

import pytest

from domain.bet import BetEvent, BetStatus
from domain.events import STREAM_EVENTS
from projections.past_bets import LEADS_TO
from tests.domain.examples import CANCELLED, CONFIRMED, LOST, PLACED, WON
from tests.projections.changes import bet_change

LIVES: Final[list[tuple[BetEvent, ...]]] = [
    (PLACED,),
    (PLACED, CONFIRMED),
    (PLACED, WON),
    (PLACED, CONFIRMED, LOST),
    (PLACED, CANCELLED),
]


def test_every_status_has_the_event_that_leads_to_it() -> None:
    assert LEADS_TO.keys() == set(get_args(BetStatus))
    assert set(LEADS_TO.values()) == set(STREAM_EVENTS["bet"])


@pytest.mark.parametrize("life", LIVES)
def test_a_bets_last_event_tells_its_status(life: tuple[BetEvent, ...]) -> None:
    changed = bet_change(*life)
    assert isinstance(changed.recorded.event, LEADS_TO[changed.after.status])
