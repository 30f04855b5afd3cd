"""The documentation says what the code does."""

import re
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("field", Settings.__struct_fields__)
def test_every_setting_is_documented(field: str) -> None:
    assert f"`{field.upper()}`" in (ROOT / "docs" / "settings.md").read_text()


def test_no_setting_is_documented_that_does_not_exist() -> None:
    rows = re.findall(
        r"^\| (`[A-Z_`, ]+`) \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE
    )
    documented = {name for row in rows for name in re.findall(r"[A-Z_]+", row)}
    assert documented == {field.upper() for field in Settings.__struct_fields__}


@pytest.mark.parametrize("page", ["README.md", "SECURITY.md"])
def test_a_page_links_to_files_that_exist(page: str) -> None:
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", (ROOT / page).read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
