"""A server of key sets, over real HTTP: it can be slow, go away, and answer anything."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class KeyServer:
    """Answers `document` at `url`; `served` counts how often it was asked.

    While `open` is cleared it takes requests and answers none.
    """

    def __init__(self, document: Any) -> None:
        self.document = document
        self.status = 200
        self.served = 0
        self.open = threading.Event()
        self.open.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the key set is."""
        return f"http://127.0.0.1:{self._server.server_port}/keys.json"

    def close(self) -> None:
        """Go away: nobody listens any more."""
        self.open.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        of = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                of.served += 1
                of.open.wait()
                body = json.dumps(of.document).encode()
                self.send_response(of.status)
                self.send_header("Location", of.url)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is there
                """Say nothing."""

        return Handler


@contextmanager
def serving_keys(document: Any) -> Generator[KeyServer]:
    """A server of this key set, which is closed in the end if it was not before."""
    server = KeyServer(document)
    try:
        yield server
    finally:
        server.close()
