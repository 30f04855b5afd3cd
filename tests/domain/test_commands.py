"""Commands: which JSON they can be decoded from, field by field."""

import json
from decimal import Decimal

import msgspec
import pytest
from msgspec import ValidationError
from msgspec.json import decode

from domain.bet import CancelBet, ConfirmBet, PlaceBet, SettleBet
from domain.errors import InvalidField
from domain.payment import CompletePayment, FailPayment, MakePayment


def raw_object(members: dict[str, str]) -> bytes:
    return ("{" + ",".join(f'"{name}":{raw}' for name, raw in members.items()) + "}").encode()


def place_bet(**raw: str) -> bytes:
    """A valid body, with members replaced by raw JSON."""
    return raw_object({"user_id": '"u"', "stake": "10.5", "odds": "2.1", "fixture_id": '"f"'} | raw)


def make_payment(**raw: str) -> bytes:
    """A valid body, with members replaced by raw JSON."""
    return raw_object({"user_id": '"u"', "amount": "10.5"} | raw)


def settle_bet(result: str, payout: str) -> bytes:
    """A body with `payout` as raw JSON."""
    return raw_object({"result": f'"{result}"', "payout": payout})


NO_AMOUNTS = [
    pytest.param('"NaN"', "must be a number", id="nan"),
    pytest.param('"sNaN"', "must be a number", id="signalling-nan"),
    pytest.param('"Infinity"', "must be a number", id="infinity"),
    pytest.param('"-Infinity"', "must be a number", id="minus-infinity"),
    pytest.param("1e400", "must not exceed 9999999999999999.9999", id="1e400"),
    pytest.param("1e16", "must not exceed 9999999999999999.9999", id="17-digits"),
    pytest.param("2.00001", "must have at most 4 decimals", id="five-decimals"),
    pytest.param("1.00000000000000000000000001", "must have at most 4 decimals", id="26-decimals"),
]
TOO_SMALL = ["0", '"-0"', "-0.0001", "-1", '"-1e400"']
NO_NUMBERS = ["true", "null", "[]", "{}", '"ten"', '""', "1e9999999999999999999"]
NO_IDENTIFIERS = [
    pytest.param('""', id="empty"),
    pytest.param('"' + "a" * 129 + '"', id="129-characters"),
    pytest.param(r'"a\u0000b"', id="nul"),
    pytest.param(r'"a\u001fb"', id="control-character"),
    pytest.param(r'"a\u007f"', id="delete"),
    pytest.param(r'"a\u0085"', id="c1-control-character"),
    pytest.param(r'"a\ufffd"', id="replacement-character"),
    pytest.param(r'"a\n"', id="newline-at-the-end"),
    pytest.param(r'"a\nb"', id="newline-within"),
    pytest.param('"a/b"', id="slash"),
    pytest.param('"."', id="dot"),
    pytest.param('".."', id="two-dots"),
    pytest.param("7", id="number"),
    pytest.param("null", id="null"),
]


@pytest.mark.parametrize(
    ("raw", "amount"),
    [
        pytest.param("1.1", "1.1", id="number"),
        pytest.param('"1.1"', "1.1", id="string"),
        pytest.param("1.10000", "1.1", id="trailing-zeros"),
        pytest.param("11E-1", "1.1", id="exponent"),
        pytest.param("2", "2", id="integer"),
        pytest.param("9007199254740993.0001", "9007199254740993.0001", id="beyond-float"),
        pytest.param("9999999999999999.9999", "9999999999999999.9999", id="largest"),
    ],
)
def test_an_amount_is_taken_exactly_and_written_out(raw: str, amount: str) -> None:
    command = decode(place_bet(stake=raw, odds=raw), type=PlaceBet)
    payment = decode(make_payment(amount=raw), type=MakePayment)
    settled = decode(settle_bet("win", raw), type=SettleBet)
    assert settled.payout is not None
    for value in (command.stake, command.odds, payment.amount, settled.payout):
        assert value == Decimal(amount)
        assert value.as_tuple().exponent == -4


def test_spellings_of_an_amount_make_equal_commands() -> None:
    spelled = {decode(place_bet(stake=raw), type=PlaceBet) for raw in ("1.1", "1.10000", '"1.1"')}
    assert len(spelled) == 1


@pytest.mark.parametrize(("raw", "reason"), NO_AMOUNTS)
@pytest.mark.parametrize("field", ["stake", "odds"])
def test_a_bet_needs_exact_amounts(field: str, raw: str, reason: str) -> None:
    with pytest.raises(ValidationError) as invalid:
        decode(place_bet(**{field: raw}), type=PlaceBet)
    cause = invalid.value.__cause__
    assert isinstance(cause, InvalidField)
    assert (cause.field, cause.reason) == (field, reason)


@pytest.mark.parametrize(("raw", "reason"), NO_AMOUNTS)
def test_a_payment_needs_an_exact_amount(raw: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=f"^amount {reason}$"):
        decode(make_payment(amount=raw), type=MakePayment)


@pytest.mark.parametrize(("raw", "reason"), NO_AMOUNTS)
def test_a_payout_is_an_exact_amount(raw: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=f"^payout {reason}$"):
        decode(settle_bet("win", raw), type=SettleBet)


@pytest.mark.parametrize("raw", TOO_SMALL)
def test_amounts_are_greater_than_zero(raw: str) -> None:
    with pytest.raises(ValidationError, match=r"^stake must be greater than 0$"):
        decode(place_bet(stake=raw), type=PlaceBet)
    with pytest.raises(ValidationError, match=r"^amount must be greater than 0$"):
        decode(make_payment(amount=raw), type=MakePayment)
    with pytest.raises(ValidationError, match=r"^payout must be greater than 0$"):
        decode(settle_bet("win", raw), type=SettleBet)


@pytest.mark.parametrize("raw", [*TOO_SMALL, "0.9999", "1", "1.0000"])
def test_odds_are_greater_than_one(raw: str) -> None:
    with pytest.raises(ValidationError, match=r"^odds must be greater than 1$"):
        decode(place_bet(odds=raw), type=PlaceBet)


def test_odds_just_above_one_are_taken() -> None:
    assert decode(place_bet(odds="1.0001"), type=PlaceBet).odds == Decimal("1.0001")


@pytest.mark.parametrize("raw", NO_NUMBERS)
def test_what_is_no_number_is_no_amount(raw: str) -> None:
    with pytest.raises(ValidationError, match=r"`\$\.stake`$"):
        decode(place_bet(stake=raw), type=PlaceBet)
    with pytest.raises(ValidationError, match=r"`\$\.amount`$"):
        decode(make_payment(amount=raw), type=MakePayment)


@pytest.mark.parametrize("raw", NO_IDENTIFIERS)
@pytest.mark.parametrize("field", ["user_id", "fixture_id"])
def test_a_bet_needs_identifiers(field: str, raw: str) -> None:
    with pytest.raises(ValidationError, match=rf"`\$\.{field}`$"):
        decode(place_bet(**{field: raw}), type=PlaceBet)


@pytest.mark.parametrize("raw", NO_IDENTIFIERS)
def test_a_payment_needs_an_identifier(raw: str) -> None:
    with pytest.raises(ValidationError, match=r"`\$\.user_id`$"):
        decode(make_payment(user_id=raw), type=MakePayment)


@pytest.mark.parametrize(
    "identifier",
    ["a" * 128, "...", ".a", "user 1", "Ülkü@example.org", "\U0001f600" * 128],
    ids=["128-letters", "three-dots", "leading-dot", "space", "unicode", "128-emoji"],
)
def test_any_other_text_of_up_to_128_characters_identifies(identifier: str) -> None:
    command = decode(place_bet(user_id=json.dumps(identifier)), type=PlaceBet)
    assert command.user_id == identifier


@pytest.mark.parametrize("raw", ["0", "0.0000", '"-0"'])
def test_a_loss_may_say_that_it_pays_nothing(raw: str) -> None:
    command = decode(settle_bet("loss", raw), type=SettleBet)
    assert command.result == "loss"


@pytest.mark.parametrize("raw", ["0.0001", "-1", '"NaN"', '"sNaN"', '"Infinity"', "1e400"])
def test_a_loss_pays_nothing_else(raw: str) -> None:
    with pytest.raises(ValidationError, match=r"^payout must be left out of a loss"):
        decode(settle_bet("loss", raw), type=SettleBet)


@pytest.mark.parametrize("raw", ['""', '"' + "a" * 501 + '"', r'"a\u0000"', "7"])
@pytest.mark.parametrize("command", [CancelBet, FailPayment])
def test_a_reason_is_1_to_500_characters_without_nul(
    command: type[CancelBet | FailPayment], raw: str
) -> None:
    with pytest.raises(ValidationError, match=r"`\$\.reason`$"):
        decode(raw_object({"reason": raw}), type=command)


@pytest.mark.parametrize("command", [CancelBet, FailPayment])
def test_a_reason_may_be_left_out_or_span_lines(command: type[CancelBet | FailPayment]) -> None:
    assert decode(b"{}", type=command).reason is None
    assert decode(rb'{"reason":"rain,\nthen dark"}', type=command).reason == "rain,\nthen dark"


@pytest.mark.parametrize(
    ("body", "command"),
    [
        pytest.param(place_bet(bonus="1"), PlaceBet, id="place"),
        pytest.param(b'{"bonus":1}', ConfirmBet, id="confirm"),
        pytest.param(b'{"result":"win","bonus":1}', SettleBet, id="settle"),
        pytest.param(b'{"bonus":1}', CancelBet, id="cancel"),
        pytest.param(make_payment(bonus="1"), MakePayment, id="pay"),
        pytest.param(b'{"bonus":1}', CompletePayment, id="complete"),
        pytest.param(b'{"bonus":1}', FailPayment, id="fail"),
    ],
)
def test_an_unknown_field_is_refused_by_name(body: bytes, command: type[msgspec.Struct]) -> None:
    with pytest.raises(ValidationError, match="unknown field `bonus`"):
        decode(body, type=command)


@pytest.mark.parametrize(
    ("command", "field"),
    [
        pytest.param(PlaceBet, "user_id", id="place-user_id"),
        pytest.param(PlaceBet, "stake", id="place-stake"),
        pytest.param(PlaceBet, "odds", id="place-odds"),
        pytest.param(PlaceBet, "fixture_id", id="place-fixture_id"),
        pytest.param(SettleBet, "result", id="settle-result"),
        pytest.param(MakePayment, "user_id", id="pay-user_id"),
        pytest.param(MakePayment, "amount", id="pay-amount"),
    ],
)
def test_a_missing_field_is_refused_by_name(command: type[msgspec.Struct], field: str) -> None:
    complete = {
        "user_id": "u",
        "stake": 1,
        "odds": 2,
        "fixture_id": "f",
        "amount": 1,
        "result": "win",
    }
    known = set(command.__struct_fields__) - {field}
    body = json.dumps({name: value for name, value in complete.items() if name in known})
    with pytest.raises(ValidationError, match=f"missing required field `{field}`"):
        decode(body, type=command)


@pytest.mark.parametrize(
    ("body", "command", "field"),
    [
        pytest.param(b'{"result":"draw"}', SettleBet, "result", id="result"),
        pytest.param(make_payment(type='"bonus"'), MakePayment, "type", id="type"),
        pytest.param(make_payment(mode='"later"'), MakePayment, "mode", id="mode"),
    ],
)
def test_a_choice_is_one_of_its_names(
    body: bytes, command: type[msgspec.Struct], field: str
) -> None:
    with pytest.raises(ValidationError, match=rf"Invalid enum value .* - at `\$\.{field}`$"):
        decode(body, type=command)
