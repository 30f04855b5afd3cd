"""A tenant's events of every type with values at their limits, kept with each release.

`python -m tests.corpus 2` releases the schemas in avro/ as version 2: it keeps them together
with the encoded events and the rows that these fold to.
"""

import shutil
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from app import avro_events
from app.avro_schemas import FOLDER, SUFFIX, documents
from app.chain import seal
from app.event_log import Logged
from app.replay import Replay
from domain import money
from domain.bet import CancelBet, ConfirmBet, PlaceBet, SettleBet
from domain.payment import CompletePayment, FailPayment, MakePayment
from domain.recorded import Metadata
from tests.domain.histories import History, Step

EVENTS: Final = "events.avro"
ROWS: Final = "rows.json"

_USER: Final = "🎲" * 128
_REASON: Final = "„raíned off”\n" * 38
_METADATA: Final = Metadata(**dict.fromkeys(Metadata.__struct_fields__, "~" * 128))

_STEPS: Final[tuple[Step, ...]] = (
    (MakePayment(user_id=_USER, amount=money.LIMIT), "payment-1"),
    (MakePayment(user_id=_USER, amount=money.LIMIT, type="withdrawal"), "payment-2"),
    (CompletePayment(), "payment-2"),
    (MakePayment(user_id="u", amount=money.LIMIT, mode="deferred"), "payment-3"),
    (FailPayment(reason=_REASON), "payment-3"),
    (MakePayment(user_id="u", amount=money.UNIT), "payment-4"),
    (MakePayment(user_id="u", amount=money.UNIT, type="withdrawal"), "payment-5"),
    (FailPayment(), "payment-5"),
    (PlaceBet(user_id="u", stake=money.UNIT, odds=money.LIMIT, fixture_id=_USER), "bet-1"),
    (ConfirmBet(), "bet-1"),
    (SettleBet(result="win", payout=money.LIMIT), "bet-1"),
    (PlaceBet(user_id="u", stake=money.LIMIT, odds=1 + money.UNIT, fixture_id=" "), "bet-2"),
    (CancelBet(reason=_REASON), "bet-2"),
    (MakePayment(user_id="v", amount=Decimal(100)), "payment-6"),
    (PlaceBet(user_id="v", stake=Decimal(10), odds=Decimal("2.5"), fixture_id="f"), "bet-3"),
    (SettleBet(result="win"), "bet-3"),
    (PlaceBet(user_id="v", stake=Decimal("0.1"), odds=Decimal(3), fixture_id="f"), "bet-4"),
    (SettleBet(result="loss"), "bet-4"),
    (PlaceBet(user_id="v", stake=Decimal("7.77"), odds=Decimal(3), fixture_id="f"), "bet-5"),
    (CancelBet(), "bet-5"),
    (PlaceBet(user_id="v", stake=Decimal("1.5"), odds=Decimal(3), fixture_id="f"), "bet-6"),
)


def events() -> list[Logged]:
    """The events, chained; each kind of what accompanies an event is there and is missing."""
    chained: list[Logged] = []
    previous = b""
    for each in History("internal", _STEPS).log:
        recorded = each
        if each.position % 2:
            metadata = replace(_METADATA, related_to=each.metadata.related_to)
            recorded = replace(each, metadata=metadata, idempotency_key=f"{each.position:~>255}")
        previous = seal(recorded, previous).hash
        chained.append(Logged(recorded, previous))
    return chained


def rows(log: list[Logged]) -> dict[str, Any]:
    """The rows that the events fold to, by table and key, as JSON has them."""
    replay = Replay()
    for each in log:
        replay.fold(each.recorded)
    folded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(replay.rows))
    return folded


def release(folder: Path) -> None:
    """Keep the schemas of now, with the events and their rows, in a folder of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in documents():
        shutil.copy(FOLDER / f"{name}{SUFFIX}", folder)
    log = events()
    (folder / EVENTS).write_bytes(avro_events.encode(log))
    text = msgspec.json.format(msgspec.json.encode(rows(log)), indent=2)
    (folder / ROWS).write_bytes(text + b"\n")


if __name__ == "__main__":
    release(FOLDER / "released" / str(int(sys.argv[1])))
