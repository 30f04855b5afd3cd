"""The command `serve`, whose process stays as the supervisor of the workers."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from typing import NoReturn

import click

from app import server
from app.access_settings import check_access
from app.address import database_url
from app.settings import Settings


@click.command("serve")
def command() -> None:
    """Serve the API, on an embedded PostgreSQL unless DATABASE_URL is set."""
    settings = Settings.from_environment()
    check_access(settings)
    server.check_port(settings.host, settings.port)
    signal.signal(signal.SIGTERM, _end)
    with database_url(settings) as url:
        os.environ["DATABASE_URL"] = url
        if settings.database_url is None:
            os.environ["CURSOR_SECRET"] = settings.cursor_secret or _kept_secret(settings)
            _run("migrate")
        if settings.database_url is not None or settings.auth == "jwt":
            _run("check")  # which says so if the secret that follows is not set
        os.environ["CURSOR_SECRET"] = os.environ.get("CURSOR_SECRET") or _new_secret()
        with tempfile.TemporaryDirectory(prefix="stakebook-") as directory:
            if settings.workers > 1:
                os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
            _announce(settings)
            server.serve(settings)


def _end(*_: object) -> NoReturn:
    """Let SIGTERM end what is under way in order, until the server takes signals over."""
    sys.exit(128 + signal.SIGTERM)


def _run(name: str) -> None:
    """Run a command in a process of its own: the memory of what it imports ends with it."""
    ended = subprocess.run(  # noqa: S603 -- this interpreter, a command of ours
        [sys.executable, "-m", "app", name],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then ends it
    )
    if ended.returncode:  # it has said why
        sys.exit(1)


def _kept_secret(settings: Settings) -> str:
    """The secret for cursors that is kept beside the embedded server."""
    file = settings.data_dir / "cursor.secret"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(_new_secret())
    return file.read_text()


def _new_secret() -> str:
    return secrets.token_urlsafe(48)


def _announce(settings: Settings) -> None:
    root = f"http://{settings.host}:{settings.port}"
    click.echo(f"Stakebook serves {root} (documentation {root}/schema, health {root}/readyz).")
    if settings.auth == "none":
        click.echo(
            "AUTH=none: nobody is asked who he is; whoever gets here reads and writes it all."
        )
    else:
        click.echo("AUTH=jwt: every caller needs a bearer token.")
    click.echo("Ctrl-C stops it.")
