"""The commands `stakebook events export` and `import`, as processes."""

import asyncio
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests import corpus
from tests.app.ledger import Connection
from tests.app.processes import BASE, ROOT, run
from tests.app.transfers import held, make, read
from tests.conftest import DEFAULT_TENANT

LOG = corpus.events()

TENANT = str(DEFAULT_TENANT)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The export of a tenant with some events."""
    made = tmp_path / "made.avro"
    make(made, LOG)
    return made


def names_in(folder: Path) -> list[str]:
    """The names of its files."""
    return sorted(each.name for each in folder.iterdir())


async def test_what_is_imported_can_be_exported_again(
    database: str, connection: Connection, file: Path, tmp_path: Path
) -> None:
    imported = await run("events", "import", str(file), DATABASE_URL=database)
    assert (imported.returncode, imported.stdout) == (0, "")
    said = f"Imported {len(LOG)} events of tenant {TENANT}, up to position {len(LOG)}.\n"
    assert imported.stderr == said
    assert len((await held(connection, DEFAULT_TENANT))["bets_view"]) == 6
    target = tmp_path / "again.avro"
    export = ("events", "export", "--tenant", TENANT, "--to", str(target))
    exported = await run(*export, DATABASE_URL=database)
    assert (exported.returncode, exported.stdout) == (0, "")
    assert exported.stderr == said.replace("Imported", "Exported")
    assert read(target) == LOG
    assert names_in(tmp_path) == ["again.avro", "made.avro"]
    assert target.stat().st_mode & 0o777 == 0o600


async def test_a_file_that_is_there_is_replaced_by_force_alone(database: str, file: Path) -> None:
    export = ("events", "export", "--tenant", TENANT, "--to", str(file))
    refused = await run(*export, DATABASE_URL=database)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--force" in refused.stderr
    assert read(file) == LOG
    forced = await run(*export, "--force", DATABASE_URL=database)
    assert forced.returncode == 0
    assert read(file) == []


async def test_an_export_that_fails_leaves_no_file(database: str, tmp_path: Path) -> None:
    target = tmp_path / "file.avro"
    export = ("events", "export", "--tenant", "5", "--to")
    failed = await run(*export, str(target), DATABASE_URL=database)
    assert (failed.returncode, failed.stderr) == (1, "stakebook: There is no tenant 5.\n")
    assert names_in(tmp_path) == []
    nowhere = str(tmp_path / "no" / "file.avro")
    failed = await run(
        "events", "export", "--tenant", TENANT, "--to", nowhere, DATABASE_URL=database
    )
    assert failed.returncode == 1
    assert failed.stderr.startswith("stakebook: ")
    assert nowhere in failed.stderr


async def test_an_import_of_another_tenant_than_said_is_refused(database: str, file: Path) -> None:
    refused = await run("events", "import", "--tenant", "5", str(file), DATABASE_URL=database)
    assert refused.returncode == 1
    assert f"holds the events of tenant {TENANT}" in refused.stderr


async def test_an_export_can_go_to_standard_output(database: str, tmp_path: Path) -> None:
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "app", "events", "export", "--tenant", TENANT, "--to", "-"],
        cwd=ROOT,
        env=BASE | {"DATABASE_URL": database},
        capture_output=True,
        check=True,
    )
    (tmp_path / "file").write_bytes(ended.stdout)
    assert read(tmp_path / "file") == []


async def test_a_terminal_sees_progress(database: str, file: Path) -> None:
    terminal, end = pty.openpty()
    importing = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time
        [sys.executable, "-m", "app", "events", "import", str(file)],
        cwd=ROOT,
        env=BASE | {"DATABASE_URL": database, "TERM": "xterm"},
        stderr=end,
    )
    os.close(end)
    assert await asyncio.to_thread(importing.wait, 60) == 0
    assert "100%" in os.read(terminal, 65536).decode()
    os.close(terminal)
