"""The schema that the service accepts, and the revision that it expects."""

import re
from itertools import pairwise

import asyncpg
from alembic.script import ScriptDirectory

from app.migrations import alembic_config, migrate
from app.schema import REVISION, schema_fault
from tests.app.ledger import Connection


def test_the_revision_that_is_expected_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == REVISION


def test_revisions_are_numbers_of_four_digits_in_order() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    newest_first = [found.revision for found in script.walk_revisions()]
    assert all(re.fullmatch(r"[0-9]{4}", revision) for revision in newest_first)
    assert all(newer > older for newer, older in pairwise(newest_first))


async def test_a_url_with_options_of_the_driver_is_good_for_migrations(database: str) -> None:
    separator = "&" if "?" in database else "?"
    await migrate(f"{database}{separator}sslmode=disable")
    connection = await asyncpg.connect(database)
    assert await schema_fault(connection) is None
    await connection.close()


async def test_a_schema_of_a_newer_release_is_no_fault(connection: Connection) -> None:
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert await schema_fault(connection) is None


async def test_a_schema_that_is_behind_is_a_fault_that_says_what_to_run(
    connection: Connection,
) -> None:
    await connection.execute("UPDATE alembic_version SET version_num = '0002'")
    fault = await schema_fault(connection)
    assert fault is not None
    assert "0002" in fault
    assert "alembic upgrade head" in fault
