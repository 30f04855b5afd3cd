"""Bodies that are not what a command takes, and the member that the answer has to name."""

import json
from typing import Final, NamedTuple

from tests.conftest import bet_body

MOST_BYTES: Final = 64 * 1024
ROOT: Final = "#"


class Hazard(NamedTuple):
    """A body, and the JSON pointer that the problem names."""

    name: str
    body: bytes
    pointer: str = ROOT


def _bet(name: str, pointer: str, **fields: object) -> Hazard:
    return Hazard(name, json.dumps(bet_body(**fields)).encode(), pointer)


def _literal(field: str, literal: str, name: str = "") -> Hazard:
    body = json.dumps(bet_body(**{field: "HERE"})).replace('"HERE"', literal)
    return Hazard(name or f"{field} {literal[:24]}", body.encode(), f"#/{field}")


def _without(field: str) -> Hazard:
    body = {name: value for name, value in bet_body().items() if name != field}
    return Hazard(f"without {field}", json.dumps(body).encode(), f"#/{field}")


# As literals these are no JSON at all, so that there is no member to name.
_NOT_JSON: Final = [
    Hazard(
        f"{field} {literal}", json.dumps(bet_body(**{field: 0.5})).replace("0.5", literal).encode()
    )
    for field in ("stake", "odds")
    for literal in ("NaN", "Infinity", "-Infinity", "1_000", "+1", "01", ".5", "0x10", "1.", "")
]
_AMOUNTS: Final = [
    _literal(field, literal)
    for field in ("stake", "odds")
    for literal in (
        '"NaN"',
        '"sNaN"',
        '"-NaN"',
        '"Infinity"',
        '"-Infinity"',
        '"inf"',
        "1e400",
        '"1e400"',
        "1e99999999999999999999",
        "1e-99999999999999999999",
        '"1e99999999999999999999"',
        "0",
        "-0",
        "0.0",
        '"0"',
        "-1",
        '"-1"',
        "10000000000000000",
        "9999999999999999.99991",
        "1.00001",
        "1.10000000000000000000000000001",
        "1e-5",
        "true",
        "false",
        "null",
        "[]",
        "[1]",
        "{}",
        '""',
        '" 2"',
        '"2 "',
        '"2\\n"',
        '"2,5"',
        '"1_000"',
        '"+2"',
        '".5"',
        '"2."',
        '"0x10"',
        '"٢"',
        '"\N{FULLWIDTH DIGIT TWO}"',
        '"two"',
        '"2\\u0000"',
    )
] + [
    _literal("stake", "9" * 5000, "a stake of 5000 digits"),
    _literal("stake", f'"{"9" * 5000}"', "a stake of 5000 digits as text"),
    _literal("stake", "0." + "1" * 5000, "a stake of 5000 decimals"),
    _literal("odds", "1"),
    _literal("odds", "1.0000"),
    _literal("odds", "0.99"),
]
_IDENTIFIERS: Final = [
    _literal(field, literal, name)
    for field in ("user_id", "fixture_id")
    for name, literal in (
        (f"{field} empty", '""'),
        (f"{field} null", "null"),
        (f"{field} a number", "7"),
        (f"{field} a number of 5000 digits", "7" * 5000),
        (f"{field} a boolean", "true"),
        (f"{field} an array", '["u"]'),
        (f"{field} an object", '{"id": "u"}'),
        (f"{field} of 129 characters", f'"{"x" * 129}"'),
        (f"{field} with NUL", '"a\\u0000b"'),
        (f"{field} with a line feed", '"a\\n"'),
        (f"{field} with delete", '"a\\u007f"'),
        (f"{field} with a C1 control", '"a\\u0085"'),
        (f"{field} with a slash", '"a/b"'),
        (f"{field} with U+FFFD", '"a\\ufffd"'),
        (f"{field} dot", '"."'),
        (f"{field} dots", '".."'),
    )
]
_SURROGATES: Final = [
    Hazard("lone high surrogate", json.dumps(bet_body(user_id="a\ud800")).encode()),
    Hazard("lone low surrogate", json.dumps(bet_body(user_id="a\udc00b")).encode()),
    Hazard("surrogates in UTF-8", b'{"user_id": "\xed\xa0\x80", "stake": 1}'),
]
_MEMBERS: Final = [
    *(_without(field) for field in ("user_id", "stake", "odds", "fixture_id")),
    _bet("unknown member", "#/extra", extra=1),
    _bet("unknown member with a slash", "#/a~1b", **{"a/b": 1}),
    _bet("unknown member with a tilde", "#/a~0b", **{"a~b": 1}),
    _bet("unknown empty member", ROOT, **{"": 1}),
    _bet("unknown member of 5000 characters", ROOT, **{"x" * 5000: 1}),
    _bet("member in capitals", "#/Stake", Stake=1),
    Hazard("a member twice", json.dumps(bet_body()).encode()[:-1] + b', "odds": 2.1}', "#/odds"),
    Hazard(
        "a member twice, once escaped",
        json.dumps(bet_body()).encode()[:-1] + rb', "st\u0061ke": 9}',
        "#/stake",
    ),
]
_ROOTS: Final = [
    Hazard("no body", b""),
    Hazard("blank", b"  "),
    Hazard("null", b"null"),
    Hazard("array", b"[]"),
    Hazard("array of a bet", json.dumps([bet_body()]).encode()),
    Hazard("string", b'"bet"'),
    Hazard("number", b"1"),
    Hazard("boolean", b"true"),
    Hazard("empty object", b"{}", "#/user_id"),
    Hazard("truncated", json.dumps(bet_body()).encode()[:-1]),
    Hazard("two documents", json.dumps(bet_body()).encode() * 2),
    Hazard("trailing comma", json.dumps(bet_body()).encode()[:-1] + b",}"),
    Hazard("single quotes", b"{'user_id': 'u'}"),
    Hazard("byte order mark", b"\xef\xbb\xbf" + json.dumps(bet_body()).encode()),
    Hazard("UTF-16", json.dumps(bet_body()).encode("utf-16")),
    Hazard("no UTF-8", b"\xff\xfe"),
    Hazard("no UTF-8 in a member", json.dumps(bet_body()).encode().replace(b"user-1", b"\xff")),
    Hazard("nested arrays", b"[" * (MOST_BYTES - 10)),
    Hazard("nested objects", b'{"user_id":' * 5000, "#/user_id"),
    Hazard(
        "nesting in a member", b'{"user_id":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "#/user_id"
    ),
    Hazard("a body full of zeros", b"\0" * 1000),
]

OF_BETS: Final = [*_NOT_JSON, *_AMOUNTS, *_IDENTIFIERS, *_SURROGATES, *_MEMBERS, *_ROOTS]

# Those of the other commands: (operation, body, pointer).
OF_OTHERS: Final = [
    ("makePayment", b'{"user_id": "u"}', "#/amount"),
    ("makePayment", b'{"user_id": "u", "amount": 0}', "#/amount"),
    ("makePayment", b'{"user_id": "u", "amount": -5}', "#/amount"),
    ("makePayment", b'{"user_id": "u", "amount": "NaN"}', "#/amount"),
    ("makePayment", b'{"user_id": "u", "amount": 1, "type": "gift"}', "#/type"),
    ("makePayment", b'{"user_id": "u", "amount": 1, "type": null}', "#/type"),
    ("makePayment", b'{"user_id": "u", "amount": 1, "mode": "later"}', "#/mode"),
    ("makePayment", b'{"user_id": "u", "amount": 1, "currency": "EUR"}', "#/currency"),
    ("makePayment", b'{"user_id": "u", "amount": 1, "amount": 2}', "#/amount"),
    ("settleBet", b"", ROOT),
    ("settleBet", b"{}", "#/result"),
    ("settleBet", b"null", ROOT),
    ("settleBet", b'{"result": "draw"}', "#/result"),
    ("settleBet", b'{"result": true}', "#/result"),
    ("settleBet", b'{"result": "win", "payout": 0}', "#/payout"),
    ("settleBet", b'{"result": "win", "payout": -1}', "#/payout"),
    ("settleBet", b'{"result": "win", "payout": "sNaN"}', "#/payout"),
    ("settleBet", b'{"result": "win", "payout": 1.00001}', "#/payout"),
    ("settleBet", '{"result": "win", "payout": "٢"}'.encode(), "#/payout"),
    ("settleBet", b'{"result": "loss", "payout": 1}', "#/payout"),
    ("settleBet", b'{"result": "loss", "payout": "NaN"}', "#/payout"),
    ("settleBet", b'{"result": "loss", "payout": "sNaN"}', "#/payout"),
    ("cancelBet", b'{"reason": ""}', "#/reason"),
    ("cancelBet", b'{"reason": 5}', "#/reason"),
    ("cancelBet", rb'{"reason": "a\u0000"}', "#/reason"),
    ("cancelBet", b'{"reason": "' + b"x" * 501 + b'"}', "#/reason"),
    ("cancelBet", b'{"why": "rain"}', "#/why"),
    ("cancelBet", b'{"reason": "a", "reason": "b"}', "#/reason"),
    ("cancelBet", b"[]", ROOT),
    ("failPayment", b'{"reason": ""}', "#/reason"),
    ("failPayment", rb'{"reason": "\ud800"}', ROOT),
    ("failPayment", b'"declined"', ROOT),
]
