"""A cable between a client and a server on this machine, which can be cut: what is sent waits till it is mended."""

import socket
import threading
from contextlib import closing, suppress

from deployments.settings import LOOPBACK

CHUNK = 65_536


class Cable:
    """Forwards every connection to a port of its own to another port.

    Parameters
    ----------
    to_port : int
        Port of the server on the loopback address.
    """

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self.listener = socket.create_server((LOOPBACK, 0), backlog=256)
        self.port: int = self.listener.getsockname()[1]
        self._is_whole = threading.Event()
        self._is_whole.set()
        threading.Thread(target=self._take, daemon=True).start()

    def cut(self) -> None:
        """Let nothing through, in either direction; nobody is told."""
        self._is_whole.clear()

    def mend(self) -> None:
        """Let through what was sent meanwhile, and all that follows."""
        self._is_whole.set()

    def close(self) -> None:
        """Take no more connections."""
        self.listener.close()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        """Forward what two ends say to each other, until one of them hangs up."""
        self._is_whole.wait()
        with closing(near), suppress(OSError), closing(socket.create_connection((LOOPBACK, self.to_port))) as far:
            back = threading.Thread(target=self._forward, args=(far, near), daemon=True)
            back.start()
            self._forward(near, far)
            back.join()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(CHUNK):
                self._is_whole.wait()
                target.sendall(content)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
