"""The commands about events."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import click

from app import exporting, importing, schema
from app.address import database_url
from app.complaint import Complaint
from app.database import PLANNER, batch_connection
from app.export_file import Heading
from app.garbage import collect_rarely
from app.progress import progress
from app.reading_ahead import reading_ahead
from app.settings import Settings

_STANDARD: Final = Path("-")
_TENANT: Final = click.IntRange(1, 2**63 - 1)


@click.group("events")
def command() -> None:
    """The events of tenants."""


@command.command("export")
@click.option("--tenant", "tenant_id", type=_TENANT, required=True, help="Whose events.")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path),
    required=True,
    help="A new file, or - for standard output.",
)
@click.option(
    "--after",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    help="Only the events after this position.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def export(tenant_id: int, target: Path, after: int, *, force: bool) -> None:
    """Write a tenant's events to a file, as of one moment."""
    if target.exists() and not force:
        raise Complaint(f"{target} is there already; --force replaces it.")

    async def run(url: str) -> Heading:
        await schema.check(url)
        async with (
            batch_connection(url, "export", **PLANNER) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            heading = await exporting.heading(connection, tenant_id, after)
            with _new(target) as file, progress("writing", _events(heading)) as advance:
                await exporting.export(connection, heading, file, advance)
        return heading

    with database_url(Settings.from_environment()) as url:
        _say("Exported", asyncio.run(run(url)))


@command.command("import")
@click.argument(
    "source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--tenant", "tenant_id", type=_TENANT, help="Whose events the file must hold.")
def import_(source: Path, tenant_id: int | None) -> None:
    """Bring the events of FILE into a tenant that has none, or that ends where they begin."""
    collect_rarely()

    async def run(url: str) -> Heading:
        await schema.check(url)
        with reading_ahead(source) as reader:
            heading = reader.heading
            if tenant_id not in {None, heading.tenant.id}:
                raise Complaint(f"{source} holds the events of tenant {heading.tenant.id}.")
            async with batch_connection(url, "import", **PLANNER) as connection:
                with progress("reading", _events(heading)) as advance:
                    await importing.import_(connection, reader, advance)
        return heading

    with database_url(Settings.from_environment()) as url:
        _say("Imported", asyncio.run(run(url)))


@contextmanager
def _new(target: Path) -> Generator[IO[bytes]]:
    """A file that takes its place once it is complete and on the disk."""
    if target == _STANDARD:
        yield sys.stdout.buffer
        return
    try:
        number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise Complaint(f"{target} cannot be written: {error.strerror}.") from error
    unfinished = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.chmod(0o600)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _events(heading: Heading) -> int:
    return heading.to - heading.after


def _say(done: str, heading: Heading) -> None:
    number, tenant = _events(heading), heading.tenant.id
    click.echo(f"{done} {number} events of tenant {tenant}, up to position {heading.to}.", err=True)
