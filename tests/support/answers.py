"""A server of HTTP on this machine that answers as a test has it answer."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[str, Any], tuple[int, Any]]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Run a server, and give the address of its interface, ending in ``/api``.

    Parameters
    ----------
    answer : callable
        Takes the path after ``/api/`` and the decoded body of a request; returns the status and what is answered: bytes
        as they are, anything else as JSON.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            n_bytes = int(self.headers["Content-Length"] or 0)
            body = json.loads(self.rfile.read(n_bytes)) if n_bytes else None
            status, said = answer(self.path.removeprefix("/api/"), body)
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api"
    finally:
        server.shutdown()
        server.server_close()
