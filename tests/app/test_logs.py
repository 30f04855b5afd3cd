"""Logs: one line an entry, and no secret in any of them."""

import json
import subprocess
import sys

import pytest

CRASH = """
import structlog
from app.logs import configure
from app.settings import Settings

def crash(settings, password):
    raise RuntimeError("a fault")

settings = Settings(
    database_url="postgresql://app:topsecret@db/app", cursor_secret="x" * 40, log_format="{form}"
)
configure(settings)
try:
    crash(settings, "topsecret")
except RuntimeError:
    structlog.get_logger().exception("request failed", route="/bets")
"""


def logged(form: str) -> str:
    """What a process logs in this format when something crashes among secrets."""
    program = CRASH.replace("{form}", form)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return done.stderr.decode()


@pytest.mark.parametrize("form", ["json", "readable"])
def test_a_traceback_tells_where_it_happened_and_no_secret(form: str) -> None:
    output = logged(form)
    assert "a fault" in output
    assert "crash" in output
    assert "topsecret" not in output
    assert "x" * 40 not in output


def test_json_logs_are_one_object_a_line() -> None:
    entry = json.loads(logged("json"))
    assert entry["event"] == "request failed"
    assert entry["route"] == "/bets"
    assert entry["level"] == "error"
