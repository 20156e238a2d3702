"""What a running stack leaves in its data directory for the command line to find it by."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from deploy.local.server_errors import ServerError


class NoStackError(ServerError):
    """No stack runs on the data directory."""


class RunningStack(BaseModel):
    """Where the parts of a running stack are, and the process that runs them."""

    pid: int
    goals: str
    metrics: str
    projections: str
    nats: str

    def write(self, path: Path) -> None:
        """Leave the description at a path; it holds no secret."""
        path.write_text(self.model_dump_json(indent=2))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the description at a path; raises NoStackError."""
        try:
            return cls.model_validate_json(path.read_text())
        except (FileNotFoundError, ValidationError):
            raise NoStackError(
                f"no stack runs on {path.parent}: start one with `cairn up`, or name another "
                "data directory with CAIRN_HOME"
            ) from None
