"""Requests byte by byte, as no client library would send them."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from tests.conftest import Client


class RawAnswer(NamedTuple):
    """What came back until the server hung up."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bytes


async def raw(
    client: Client,
    target: bytes,
    headers: Mapping[str, bytes] | None = None,
    body: bytes = b"",
    method: bytes = b"GET",
) -> RawAnswer:
    """Send a request as it is given."""
    lines = [b"%b: %b" % (name.encode(), value) for name, value in (headers or {}).items()]
    lines += [b"Content-Length: %d" % len(body)] if body else []
    start = b"%b %b HTTP/1.1" % (method, target)
    head = b"\r\n".join([start, b"Host: stakebook", *lines, b"Connection: close"])
    return _answer(await exchanged(client, head + b"\r\n\r\n" + body))


async def exchanged(client: Client, sent: bytes) -> bytes:
    """What the server says to some bytes until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.http.base_url.port)
    writer.write(sent)
    try:
        return await reader.read()
    except ConnectionResetError:  # it hung up on what it had not read
        return b""
    finally:
        writer.close()


def _answer(whole: bytes) -> RawAnswer:
    head, _, body = whole.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in pairs}
    return RawAnswer(int(first.split()[1]), headers, body, whole)
