"""A proxy in front of an embedding server that refuses every request with one certain word in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


@dataclass
class Picky:
    url: str
    refused: bytes | None


@contextmanager
def picky_server(upstream: str, refused: bytes) -> Iterator[Picky]:
    """Set `refused` to None and it takes everything."""

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(client.get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if picky.refused is not None and picky.refused in body and "embed" in self.path:
                refusal = {"error": {"code": 500, "message": "no slot for this text", "type": "server_error"}}
                self._answer(httpx.Response(500, json=refusal))
            else:
                self._answer(client.post(self.path, content=body, headers={"content-type": "application/json"}))

        def _answer(self, response: httpx.Response) -> None:
            self.send_response(response.status_code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

        def log_message(self, format: str, *args: object) -> None:
            return

    with httpx.Client(base_url=upstream, trust_env=False, timeout=30) as client:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        server.daemon_threads = True
        picky = Picky(f"http://127.0.0.1:{server.server_address[1]}", refused)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield picky
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
