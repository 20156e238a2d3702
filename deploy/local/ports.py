"""TCP ports on the loopback address: which are free, and when one starts to answer."""

import socket
import time
from collections.abc import Callable

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.02


class PortTakenError(Exception):
    """Another process already listens on the port that was asked for."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} on {LOOPBACK} is taken by another process")
        self.port = port


def free_port() -> int:
    """Return a port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int) -> None:
    """Raise PortTakenError if something listens on the port."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier run that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTakenError(port) from error


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll a condition until it holds; return False if it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
