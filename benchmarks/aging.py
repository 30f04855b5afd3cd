"""What a long history costs: a tenant that has one beside one that has not."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from benchmarks import growth, invariants, services, tally
from benchmarks.fresh_database import fresh_database
from benchmarks.growth import Grown
from benchmarks.load import Script, Wrk
from benchmarks.results import ratio
from benchmarks.scenarios import USERS, Plan, Tenants
from benchmarks.tally import Tally

YOUNG: Final = Tenants(70001, 1)
OLD: Final = Tenants(80001, 1)
CONNECTIONS: Final = 64
WARM_UP_SECONDS: Final = 15  # in which nearly every page that is read later is read once
BETS_OF_A_USER: Final = 250  # in both, so that their lists are as long
_PLACING: Final = "POST /bets"


class Aged(Struct, frozen=True, kw_only=True):
    """A load on both tenants: requests per second round by round, and what the old one keeps."""

    name: str
    young: Sequence[float]
    old: Sequence[float]
    kept: float


class Aging(Struct, frozen=True, kw_only=True):
    """All that was measured, and what held of the database afterwards."""

    young_events: int
    old_events: int
    loads: Sequence[Aged]
    invariants: Sequence[str]


def measure(wrk: Wrk, plan: Plan, directory: Path) -> Aging:
    """Let the tenants grow, then put every load on both in turn, round by round."""
    directory.mkdir()
    with fresh_database(directory) as url:
        young = _grow(url, YOUNG, growth.FEW_EVENTS)
        old = _grow(url, OLD, growth.MANY_EVENTS)
        acknowledged = {
            YOUNG: Tally(bets=young.events),
            OLD: Tally(bets=old.events),
        }
        with services.ledger(url, directory) as running:
            on_young = _Tenant(wrk, running.root, young, directory, acknowledged[YOUNG])
            on_old = _Tenant(wrk, running.root, old, directory, acknowledged[OLD])
            loads = [_compare(name, on_young, on_old, plan) for name in on_young.scripts]
            carried_out = tally.of_metrics([services.answer(f"{running.root}/metrics")])
        carried_out.bets += young.events + old.events
        print("checking the ledger …", flush=True)
        held = asyncio.run(invariants.check_database(url, acknowledged, carried_out))
    return Aging(young_events=young.events, old_events=old.events, loads=loads, invariants=held)


class _Tenant:
    """A tenant under load, and count of what was acknowledged of it."""

    def __init__(
        self, wrk: Wrk, root: str, grown: Grown, directory: Path, acknowledged: Tally
    ) -> None:
        self.scripts: Final[Mapping[str, Script]] = _scripts(grown, directory)
        self._wrk = wrk
        self._root = root
        self._events = grown.events
        self._acknowledged = acknowledged

    def run(self, name: str, seconds: int, occasion: str) -> float:
        """Put a load on the tenant; returns the requests per second."""
        print(f"{name}, {self._events:,} events, {occasion} …", end=" ", flush=True)
        measured = self._wrk.run(self._root, self.scripts[name], CONNECTIONS, seconds)
        print(f"{measured.requests_per_second:,.0f} req/s", flush=True)
        if name == _PLACING:
            told = tally.of_answers({"placed": measured.requests}, CONNECTIONS)
            self._acknowledged.add(told)
        return measured.requests_per_second


def _grow(url: str, tenants: Tenants, events: int) -> Grown:
    print(f"making a tenant of {events:,} events …", flush=True)
    return growth.grow(url, tenants.first, events, events // BETS_OF_A_USER)


def _scripts(grown: Grown, directory: Path) -> Mapping[str, Script]:
    # As many users place bets here as there: it is the history that differs.
    scripts = {_PLACING: Script("place_bets.lua", (grown.tenant_id, 1, USERS))}
    for number, (name, paths) in enumerate(growth.read_paths(grown).items()):
        file = directory / f"paths-{grown.tenant_id}-{number}"
        file.write_text("".join(f"{path}\n" for path in paths))
        scripts[name] = Script("get.lua", (grown.tenant_id, file))
    return scripts


def _compare(name: str, young: _Tenant, old: _Tenant, plan: Plan) -> Aged:
    for tenant in (young, old):
        tenant.run(name, WARM_UP_SECONDS, "warm-up")
    turns = [
        (young.run(name, plan.seconds, occasion), old.run(name, plan.seconds, occasion))
        for occasion in (f"round {turn}/{plan.rounds}" for turn in range(1, plan.rounds + 1))
    ]
    of_young, of_old = zip(*turns, strict=True)
    return Aged(name=name, young=of_young, old=of_old, kept=ratio(of_old, of_young))
