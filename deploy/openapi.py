"""Writes the services' OpenAPI documents: `python -m deploy.openapi [--check]`.

It stands here and not in contracts because it imports the services, which nothing in contracts
may do, not even through a name in a string.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from contracts.documents import publish, render
from contracts.generate import ROOT
from services.goals.main import create as create_goals
from services.goals.settings import GoalsSettings
from services.metrics.main import create as create_metrics
from services.metrics.settings import MetricsSettings
from services.projections.main import create as create_projections
from services.projections.settings import ProjectionsSettings

FOLDER: Final = ROOT / "openapi"

# Composing an application opens nothing, so these are never looked at.
_NOWHERE: Final[Mapping[str, Any]] = {
    "database_url": "postgresql:///nowhere",
    "nats_url": "nats://nowhere",
    "jwks": "nowhere",
}


def services() -> dict[str, FastAPI]:
    """The three applications, not started."""
    return {
        "goals": create_goals(GoalsSettings(**_NOWHERE)),
        "metrics": create_metrics(MetricsSettings(**_NOWHERE)),
        "projections": create_projections(ProjectionsSettings(**_NOWHERE)),
    }


def documents(folder: Path = FOLDER) -> dict[Path, str]:
    """What is to be on disk: one document per service."""
    return {folder / f"{name}.json": render(app.openapi()) for name, app in services().items()}


def main(arguments: Sequence[str] | None = None, *, folder: Path = FOLDER) -> int:
    """Run the command line; returns the exit status: 1 if a committed document differs."""
    parser = argparse.ArgumentParser(prog="python -m deploy.openapi")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    return publish(documents(folder), check=parser.parse_args(arguments).check)


if __name__ == "__main__":
    sys.exit(main())
