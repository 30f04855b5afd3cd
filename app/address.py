"""Where the database is: at DATABASE_URL, or embedded and started for the while."""

from collections.abc import Generator
from contextlib import contextmanager

from app import embedded
from app.settings import Settings


@contextmanager
def database_url(settings: Settings) -> Generator[str]:
    """The URL of the database of `settings`, with the embedded server started if it is that.

    Raises `embedded.EmbeddedUnavailable`.
    """
    if settings.database_url:
        yield settings.database_url
        return
    server = embedded.start(settings.data_dir)
    try:
        yield server.url
    finally:
        server.release()
