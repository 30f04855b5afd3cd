"""Origins are taken as browsers send them, or not at all."""

import pytest

from app.origins import Origins


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        ("*", ("*",)),
        ("https://shop.example", ("https://shop.example",)),
        ("https://a.example,https://b.example", ("https://a.example", "https://b.example")),
        (" https://a.example , http://b ", ("https://a.example", "http://b")),
        ("http://localhost:3000", ("http://localhost:3000",)),
        ("http://127.0.0.1:65535", ("http://127.0.0.1:65535",)),
        ("http://[::1]:8000", ("http://[::1]:8000",)),
        ("https://xn--bcher-kva.example", ("https://xn--bcher-kva.example",)),
        ("https://a.example:80", ("https://a.example:80",)),
    ],
)
def test_exact_origins_are_taken(text: str, origins: tuple[str, ...]) -> None:
    assert Origins(text) == origins


@pytest.mark.parametrize(
    "text",
    [
        "shop.example",
        "https://",
        "https://shop.example/",
        "https://shop.example/path",
        "https://shop.example?query",
        "https://shop.example#fragment",
        "https://user@shop.example",
        "https://Shop.example",
        "HTTPS://shop.example",
        "https://bücher.example",
        "https://*.shop.example",
        "https://shop..example",
        "https://shop.example:443",
        "http://shop.example:80",
        "https://shop.example:0",
        "https://shop.example:65536",
        "https://shop.example:",
        "https://shop.example https://other.example",
        "https://shop.example\nhttps://other.example",
        "https://shop.example,",
        ",",
        "ftp://shop.example",
        "file://",
        "null",
        ".*",
        "**",
        "*,*",
        "*,https://shop.example",
        "https://shop.example,*",
    ],
)
def test_what_no_browser_sends_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no origin|stands for every origin"):
        Origins(text)
