"""The API against its own description, as schemathesis reads it."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import time
from typing import Final

import pytest

from tests.app.api.tokens import WITH_SECRET, token
from tests.app.processes import BASE, ROOT, serving

_CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
_ALONE: Final = ("--phases", "examples,coverage,fuzzing")  # each operation by itself
_REGISTRY: Final = r"^/tenants(/\{tenant_id\})?$"
# Suspended tenants would keep the ledger from being tried, so the registry is tried apart.
_PARTS: Final = {
    "ledger": ["--exclude-path-regex", _REGISTRY, *_ALONE],
    "flows": [
        "--include-path-regex",
        "^/(bets|payments)",
        "--phases",
        "stateful",
        "--mode",
        "positive",
        "--exclude-checks",
        "ignored_auth",  # of each operation by itself
    ],
    "registry": ["--include-path-regex", _REGISTRY, *_ALONE],
}
_ENVIRONMENTS: Final = {
    "flows": {"SCHEMATHESIS_HOOKS": "tests.described.fresh_keys", "PYTHONPATH": str(ROOT)}
}
_LINKS: Final = re.compile(r"([0-9]) covered / 9 selected")
_FOLLOWED: Final = 6  # which of them schemathesis comes to follow is up to its choices
_EXAMPLES: Final = {"ledger": 12, "registry": 12, "flows": 200}
_TIMES_IN_LONG: Final = 40
_AT_MOST_SECONDS: Final = 3600


@pytest.mark.parametrize("part", _PARTS)
async def test_the_service_does_what_its_description_says(
    database: str, long: bool, part: str, tmp_path: Path
) -> None:
    examples = _EXAMPLES[part] * (_TIMES_IN_LONG if long else 1)
    asked = {name.upper(): str(value) for name, value in WITH_SECRET.items()}
    async with serving(DATABASE_URL=database, **asked) as service:
        document = f"http://127.0.0.1:{service.port}/schema/openapi.json"
        options = [*_PARTS[part], "--max-examples", str(examples)]
        options += ["--header", f"Authorization: Bearer {token(exp=int(time()) + 3600)}"]
        run = await asyncio.to_thread(
            _schemathesis, document, options, tmp_path, **_ENVIRONMENTS.get(part, {})
        )
        assert run.returncode == 0, run.stdout + run.stderr + service.output()
        assert part != "flows" or int(_LINKS.findall(run.stdout)[0]) >= _FOLLOWED


def _schemathesis(
    document: str, options: Sequence[str], folder: Path, **environment: str
) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(_CONFIG)]
    return subprocess.run(
        [*program, "run", document, "--continue-on-failure", "--no-color", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=_AT_MOST_SECONDS,
        env=BASE | environment,
    )
