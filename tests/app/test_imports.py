"""What the processes that stay import: memory that every installation pays for."""

import subprocess
import sys

import pytest

from tests.app.processes import BASE, ROOT

SAY_WHAT_IS_LOADED = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def loaded_by(program: str) -> set[str]:
    """The top-level packages in memory once a fresh interpreter has run `program`."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{program}; {SAY_WHAT_IS_LOADED}"],
        cwd=ROOT,
        env=BASE,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ended.stdout.split())


@pytest.mark.parametrize(
    "package", ["litestar", "sqlalchemy", "alembic", "asyncpg", "jwt", "structlog"]
)
def test_the_supervisor_does_without(package: str) -> None:
    loaded = loaded_by("import app.cli; app.cli.cli.get_command(None, 'serve')")
    assert {"granian", "click"} <= loaded
    assert package not in loaded


@pytest.mark.parametrize("package", ["alembic", "mako", "click", "jwt", "cryptography"])
def test_a_worker_does_without(package: str) -> None:
    loaded = loaded_by("import granian.server.mp, app.asgi")
    assert {"litestar", "sqlalchemy", "asyncpg"} <= loaded
    assert package not in loaded
