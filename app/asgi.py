"""The application as a worker process loads it."""

import os

from litestar import Litestar

from app.factory import create_app
from app.logs import configure
from app.server import drain_on_signal
from app.settings import Settings


def create() -> Litestar:
    """The application by the environment, in which `stakebook serve` has put the database."""
    settings = Settings.from_environment()
    configure(settings)
    return create_app(os.environ["DATABASE_URL"], settings, lifespans=[drain_on_signal])
