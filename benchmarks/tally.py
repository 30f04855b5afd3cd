"""Commands on some tenants, counted by what they did."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

_MOVES: Final = ("confirmed", "settled", "cancelled")
_OPERATIONS: Final = {
    "placeBet": "bets",
    "confirmBet": "moves",
    "settleBet": "moves",
    "cancelBet": "moves",
    "makePayment": "payments",
}
_APPLIED: Final = re.compile(
    r'^stakebook_commands_total{operation="(\w+)",outcome="applied"} (\S+)$', re.MULTILINE
)


class Tally(Struct):
    """How many commands placed a bet, moved one, made a payment.

    `in_flight` counts those that may have been carried out besides, of whatever kind: a run
    may end with one on each connection.
    """

    bets: int = 0
    moves: int = 0
    payments: int = 0
    in_flight: int = 0

    def add(self, other: "Tally") -> None:
        """Count what `other` counts as well."""
        self.bets += other.bets
        self.moves += other.moves
        self.payments += other.payments
        self.in_flight += other.in_flight


def of_answers(answers: Mapping[str, int], connections: int) -> Tally:
    """What the answers of a run say was carried out; those to repeats were counted before."""
    return Tally(
        bets=answers.get("placed", 0),
        moves=sum(answers.get(kind, 0) for kind in _MOVES),
        payments=answers.get("paid", 0),
        in_flight=connections,
    )


def of_metrics(metrics: Iterable[str]) -> Tally:
    """What the ledger itself says that it carried out, in all its processes together."""
    counted = dict.fromkeys(_OPERATIONS.values(), 0)
    for text in metrics:
        for operation, number in _APPLIED.findall(text):
            counted[_OPERATIONS[operation]] += int(float(number))
    return Tally(**counted)
