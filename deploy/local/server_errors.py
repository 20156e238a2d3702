"""What can go wrong while a server of the local stack is started."""


class ServerError(Exception):
    """A server could not be started; the message says why and what to do about it."""


class BinariesNotFoundError(ServerError):
    """Neither the environment nor the system has the server's programs."""


class UnreachableDirectoryError(ServerError):
    """The unprivileged user that a server runs as cannot enter its data directory."""
