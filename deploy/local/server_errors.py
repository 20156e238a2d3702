"""What can go wrong while the servers of the local stack are started."""


class ServerError(Exception):
    """A server could not be started; the message says why and what to do about it."""


class BinariesNotFoundError(ServerError):
    """Neither the environment nor the system has the server's programs."""


class UnreachableDirectoryError(ServerError):
    """The unprivileged user that a server runs as cannot enter its data directory."""


class PortTakenError(ServerError):
    """Another process already listens on the port that was asked for."""

    def __init__(self, port: int, advice: str = "stop it, or choose another port") -> None:
        super().__init__(f"port {port} is taken by another process; {advice}")
        self.port = port
