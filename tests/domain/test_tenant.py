"""Tenants: what may be registered of them, and when it may become something else."""

from datetime import UTC, datetime

import pytest
from msgspec import ValidationError
from msgspec.json import decode, encode
from msgspec.structs import replace

from domain.errors import WalletInUse
from domain.tenant import ChangeTenant, CreateTenant, RegisteredTenant, TenantStatus, decide

CREATE = CreateTenant(id=7, name="Seven", slug="seven")
TENANT = RegisteredTenant(
    id=7,
    name="Seven",
    slug="seven",
    plan="basic",
    wallet="external",
    status="active",
    created_at=datetime(2026, 11, 21, tzinfo=UTC),
)


def test_only_fields_that_become_others_are_changed() -> None:
    command = ChangeTenant(name="Seven", slug="sieben", plan="basic", status="suspended")
    assert decide(command, TENANT, 3) == {"slug": "sieben", "status": "suspended"}


def test_nothing_asked_is_nothing_changed() -> None:
    assert decide(ChangeTenant(), TENANT, 3) == {}


@pytest.mark.parametrize(("open_bets", "said"), [(1, "there is 1"), (12, "there are 12")])
def test_the_wallet_stays_while_bets_are_open(open_bets: int, said: str) -> None:
    with pytest.raises(WalletInUse, match=said) as refused:
        decide(ChangeTenant(wallet="internal", status="suspended"), TENANT, open_bets)
    assert refused.value.members == {"open_bets": open_bets}


def test_the_wallet_changes_once_no_bet_is_open() -> None:
    assert decide(ChangeTenant(wallet="internal"), TENANT, 0) == {"wallet": "internal"}


def test_the_wallet_that_a_tenant_has_is_no_change() -> None:
    assert decide(ChangeTenant(wallet="external"), TENANT, 5) == {}


@pytest.mark.parametrize("status", ["active", "suspended"])
def test_a_command_describes_the_tenant_that_it_made_whatever_its_status(
    status: TenantStatus,
) -> None:
    assert CREATE.describes(replace(TENANT, status=status))


@pytest.mark.parametrize(
    "changed", [{"id": 8}, {"name": "7"}, {"slug": "7"}, {"plan": "7"}, {"wallet": "internal"}]
)
def test_a_command_does_not_describe_another_tenant(changed: dict[str, object]) -> None:
    assert not CREATE.describes(replace(TENANT, **changed))


TAKEN: list[tuple[str, object]] = [
    ("id", 1),
    ("id", 2**63 - 1),
    ("name", "x" * 128),
    ("name", "Wetten & Söhne: «漢字» 🎲"),
    ("slug", "a"),
    ("slug", "7"),
    ("slug", "a--b-7"),
    ("slug", "x" * 63),
    ("plan", "x" * 32),
]
REFUSED: list[tuple[str, object]] = [
    *(("id", value) for value in (0, -1, 2**63, 1.5, "7", None, True)),
    *(("name", value) for value in ("", "x" * 129, "a\0", "a\nb", "a\n", "\x1b[2J", "\x85", 7)),
    *(("slug", value) for value in ("", "x" * 64, "-a", "a-", "A", "a.b", "a_b", "a b", "a\n")),
    *(("slug", value) for value in ("ä", "\N{ARABIC-INDIC DIGIT ONE}", "a\0", 7, None)),
    *(("plan", value) for value in ("", "x" * 33, "a\0", "a\n", 7, None)),
    *(("wallet", value) for value in ("", "Internal", "none", None)),
    *(("status", value) for value in ("", "Active", "closed", None)),
    *(("created_at", value) for value in ("2026-11-21T00:00:00Z", None)),
]


@pytest.mark.parametrize(("field", "value"), TAKEN)
def test_a_value_within_its_bounds_is_taken(field: str, value: object) -> None:
    body = {"id": 7, "name": "Seven", "slug": "seven"} | {field: value}
    assert getattr(decode(encode(body), type=CreateTenant), field) == value


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_a_value_beyond_its_bounds_is_refused(field: str, value: object) -> None:
    body = {"id": 7, "name": "Seven", "slug": "seven"} | {field: value}
    with pytest.raises(ValidationError, match=field):
        decode(encode(body), type=CreateTenant)
    with pytest.raises(ValidationError, match=field):
        decode(encode({field: value}), type=ChangeTenant)
