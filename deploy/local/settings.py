"""What the local stack and its command line are told by their environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.local.ports import LOOPBACK

# Each service listens this far above the first port; projections come first: they have the page.
PORT_OFFSETS = {"projections": 0, "goals": 1, "metrics": 2}


class LocalSettings(BaseSettings):
    """Each is read from `CAIRN_` and its name in capitals; an empty variable counts as unset.

    A `database_url` or `nats_url` names a server of the operator's; ours then is not started.
    Without `sample` the stack begins empty: no sample company, no simulated producers.
    """

    model_config = SettingsConfigDict(
        env_prefix="CAIRN_", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    home: Path = Path(".cairn")
    port_base: Annotated[int, Field(ge=1024, le=65_500)] = 8600
    sample: bool = True
    database_url: SecretStr | None = None
    nats_url: SecretStr | None = None

    def port(self, service: str) -> int:
        """Return the port on which a service of this stack listens."""
        return self.port_base + PORT_OFFSETS[service]

    def service_url(self, service: str) -> str:
        """Return where a service of this stack answers."""
        return f"http://{LOOPBACK}:{self.port(service)}"
