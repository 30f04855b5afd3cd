"""Bodies, however they are written: what JSON says they are, or refused."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from msgspec import Struct

from app.bodies import decode
from app.problems import Problem
from domain.bet import CancelBet, PlaceBet, SettleBet
from domain.payment import MakePayment

Kind: TypeAlias = type[Struct]
Body: TypeAlias = tuple[Kind, list["Member"]]

PLAIN = ("2", "10.50", "1e2", "1E+2", "3.0001")
# Python takes these for numbers; they are none in JSON, nor plain ones in quotes.
FANCY = ("1_0", " 10", "10 ", "+5", "\N{ARABIC-INDIC DIGIT FIVE}", "1_0.5")
SPACES = ("", " ", "\n", "\t", "\r\n  ")


class Member(NamedTuple):
    """A member of a JSON object: its name and value as they stand there, and what they say."""

    name: str
    written_name: str
    value: str
    written_value: str

    @property
    def is_fancy(self) -> bool:
        return self.value in FANCY

    @property
    def text(self) -> str:
        return f"{self.written_name}:{self.written_value}"


def escaped(text: str) -> str:
    """A JSON string of nothing but escapes."""
    units = text.encode("utf-16-be").hex()
    return '"' + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + '"'


@st.composite
def strings(draw: DrawFn, text: str) -> str:
    """The text as a JSON string, written in one of several ways."""
    ways = [json.dumps(text), json.dumps(text, ensure_ascii=False), escaped(text)]
    return draw(st.sampled_from(ways))


AMOUNTS = {"stake", "odds", "payout", "amount"}
TEXTS = st.sampled_from(
    ["u", "stake", "user_id", "odds", '"stake":"2"', '"odds"', "ü 🎲", "\\", "amount", "reason"]
)
VALUES: Mapping[str, SearchStrategy[str]] = {
    **dict.fromkeys(AMOUNTS, st.sampled_from(PLAIN) | st.sampled_from(FANCY)),
    **dict.fromkeys(["user_id", "fixture_id", "reason"], TEXTS),
    "result": st.just("win"),
    "type": st.just("deposit"),
    "mode": st.just("instant"),
}
KINDS: Mapping[Kind, tuple[Sequence[str], Sequence[str]]] = {
    PlaceBet: (("user_id", "stake", "odds", "fixture_id"), ()),
    SettleBet: (("result",), ("payout",)),
    MakePayment: (("user_id", "amount"), ("type", "mode")),
    CancelBet: ((), ("reason",)),
}


@st.composite
def members(draw: DrawFn, name: str) -> Member:
    """A member with a value that fits, or an amount in quotes that is none."""
    value = draw(VALUES[name])
    bare = name in AMOUNTS and value in PLAIN and draw(st.booleans())
    written = value if bare else draw(strings(value))
    spaces = [draw(st.sampled_from(SPACES)) for _ in range(4)]
    written_name = spaces[0] + draw(strings(name)) + spaces[1]
    return Member(name, written_name, value, spaces[2] + written + spaces[3])


@st.composite
def bodies(draw: DrawFn) -> Body:
    """A body with all that is required, in any order, and now and then a member twice."""
    kind = draw(st.sampled_from(list(KINDS)))
    required, optional = KINDS[kind]
    names = [*required, *(name for name in optional if draw(st.booleans()))]
    if names and draw(st.integers(0, 3)) == 0:
        names.append(draw(st.sampled_from(names)))
    return kind, [draw(members(name)) for name in draw(st.permutations(names))]


def text(body: Sequence[Member]) -> bytes:
    return f"{{{','.join(member.text for member in body)}}}".encode()


def expected(kind: Kind, body: Sequence[Member]) -> Struct | set[str]:
    """The command that the body says, or what may be at fault in it."""
    names = [member.name for member in body]
    twice = {f"#/{name}" for name in names if names.count(name) > 1}
    if faults := twice | {f"#/{member.name}" for member in body if member.is_fancy}:
        return faults
    values: dict[str, Any] = {member.name: member.value for member in body}
    amounts = {name: Decimal(value) for name, value in values.items() if name in AMOUNTS}
    return kind(**values | amounts)


def found(kind: Kind, body: bytes) -> Struct | str:
    """The command, or the one member that the problem names."""
    try:
        return decode(body, kind)
    except Problem as problem:
        (error,) = problem.document["errors"]
        return str(error.pointer)


def member(name: str, value: str, written: str | None = None, as_name: str | None = None) -> Member:
    return Member(name, as_name or f'"{name}"', value, written or f'"{value}"')


@given(bodies())
@example((SettleBet, [member("result", "win"), member("payout", "1_0")]))
@example((SettleBet, [member("result", "win"), member("payout", "1_0", escaped("1_0"))]))
@example((SettleBet, [member("payout", "1_0", None, escaped("payout")), member("result", "win")]))
@example((CancelBet, [member("reason", "u"), member("reason", "u", None, escaped("reason"))]))
@example((CancelBet, [member("reason", "reason")]))
def test_a_body_says_the_same_however_it_is_written(body: Body) -> None:
    kind, written = body
    found_in_it = found(kind, text(written))
    says = expected(kind, written)
    if isinstance(says, set):
        assert found_in_it in says
    else:
        assert found_in_it == says
