"""What each of Cairn's own processes is told when the local stack starts it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.ports import LOOPBACK
from deploy.local.tokens import AUDIENCE, ISSUER

# A stopping service gives the requests in flight this time; the launcher waits a little longer.
DRAIN_SECONDS = 2
# What the launcher's own environment may say otherwise. On one machine the receivers of webhooks
# are on it as well.
DEFAULTS = {"CAIRN_WEBHOOK_PRIVATE_HOSTS": "yes"}


@dataclass(frozen=True, slots=True)
class NatsLogin:
    """Where the bus is, and as whom to go there; no user where the address says it itself."""

    url: str
    user: str | None = None
    password: str | None = None

    def variables(self) -> dict[str, str]:
        """Return the login as the settings that every process of ours reads."""
        variables = {"CAIRN_NATS_URL": self.url}
        if self.user is not None and self.password is not None:
            variables |= {"CAIRN_NATS_USER": self.user, "CAIRN_NATS_PASSWORD": self.password}
        return variables


def service_environment(
    *, port: int, database_url: str, nats: NatsLogin, jwks_file: Path
) -> dict[str, str]:
    """Return the environment of a service: the launcher's own, and what is decided here."""
    inherited = DEFAULTS | _inherited()
    return inherited | {
        "CAIRN_HOST": LOOPBACK,
        "CAIRN_PORT": str(port),
        "CAIRN_DATABASE_URL": database_url,
        **nats.variables(),
        "CAIRN_JWKS": str(jwks_file),
        "CAIRN_ISSUER": ISSUER,
        "CAIRN_AUDIENCE": AUDIENCE,
        "CAIRN_DRAIN_SECONDS": str(DRAIN_SECONDS),
    }


def producer_environment(*, metrics_url: str, nats: NatsLogin, token: str) -> dict[str, str]:
    """Return the environment of the simulated producers, who know no database."""
    return _inherited() | {
        "CAIRN_METRICS_URL": metrics_url,
        **nats.variables(),
        "CAIRN_TOKEN": token,
    }


def _inherited(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the launcher's environment without addresses that are the launcher's business."""
    decided_here = {"CAIRN_DATABASE_URL", "CAIRN_TOKEN"}
    return {name: value for name, value in environment.items() if name not in decided_here}
