"""What tests count beside passing, printed in one line a kind once all have ended."""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from itertools import chain
from typing import Any, Final

import pytest

_PROPERTY: Final = "tally"


class Tally:
    """Numbers by kind; those of one kind are of the same things in the same order."""

    def __init__(self) -> None:
        self.kinds: dict[str, Counter[str]] = defaultdict(Counter)

    def count(self, kind: str, **numbers: int) -> None:
        """Add `numbers`, each named by what it counts, to those of the kind."""
        self.kinds[kind].update(numbers)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Generator[Tally]:
    """Counts of the test, which the end of the run adds to those of others."""
    counted = Tally()
    yield counted
    # A property of the report: that is what comes over from processes that share the tests.
    kinds = [(kind, list(numbers.items())) for kind, numbers in counted.kinds.items()]
    request.node.user_properties.append((_PROPERTY, kinds))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = chain.from_iterable(terminalreporter.stats.values())
    total = _total(report for report in reports if getattr(report, "when", "") == "teardown")
    if total.kinds:
        terminalreporter.section("tally")
        width = max(map(len, total.kinds))
        for kind, numbers in sorted(total.kinds.items()):
            said = ", ".join(
                f"{number} {name.replace('_', ' ')}" for name, number in numbers.items()
            )
            terminalreporter.line(f"{kind:{width}}  {said}")


def _total(reports: Iterable[Any]) -> Tally:
    total = Tally()
    for report in reports:
        for name, value in report.user_properties:
            if name == _PROPERTY:
                for kind, numbers in value:
                    total.count(kind, **dict(numbers))
    return total
