"""TCP ports on the loopback address: which are free, and starting a server on one of them."""

import socket
from collections.abc import Callable

from deploy.local.server_errors import PortTakenError, ServerError

LOOPBACK = "127.0.0.1"
# Another process can take a free port between our choice and the server's bind.
FREE_PORT_ATTEMPTS = 3


def free_port() -> int:
    """Return a port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port at this moment."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier run that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def launch_on_port(port: int | None, launch: Callable[[int], None]) -> int:
    """Launch a server on a port, or on any free one if it is None, and return the port.

    Raises PortTakenError for a port that was asked for, and ServerError as `launch` does.
    """
    if port is None:
        return _launch_on_free_port(launch)
    if not is_free(port):
        raise PortTakenError(port)
    launch(port)
    return port


def _launch_on_free_port(launch: Callable[[int], None]) -> int:
    for _ in range(FREE_PORT_ATTEMPTS):
        port = free_port()
        try:
            launch(port)
        except ServerError:
            if is_free(port):
                raise
        else:
            return port
    raise ServerError(f"every one of {FREE_PORT_ATTEMPTS} free ports was taken before its use")
