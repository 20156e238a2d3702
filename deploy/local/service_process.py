"""One of Cairn's own processes: a Python module started with its environment."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

import httpx

from deploy.local.child_process import ChildProcess, Command

START_SECONDS = 30.0
STOP_SECONDS = 2.5
PROBE_SECONDS = 2.0

# Where the packages are: what `python -m` looks for must be found wherever the stack is started.
_PACKAGES = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """How to run a module: `ready_url` answers 200 when it is ready, if it serves HTTP at all."""

    name: str
    module: str
    environment: Mapping[str, str]
    log: Path
    lock: int
    ready_url: str | None = None
    stop_seconds: float = STOP_SECONDS


class ServiceProcess:
    """A module that runs as a child process and can be started again."""

    def __init__(self, plan: ServicePlan) -> None:
        self.name = plan.name
        self._plan = plan
        self._process: ChildProcess | None = None

    @property
    def process(self) -> ChildProcess:
        """The module's process; it must have been launched."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process

    def start(self) -> None:
        """Launch it and wait until it is ready; raise ServerError if it is not in time."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start the process without waiting, so that several can become ready together."""
        self._process = ChildProcess(
            self.name,
            Command(
                arguments=[sys.executable, "-m", self._plan.module],
                environment=self._plan.environment,
                working_directory=_PACKAGES,
                log=self._plan.log,
                lock=self._plan.lock,
            ),
        )

    def await_ready(self) -> None:
        """Return once it answers that it is ready; raise ServerError if it does not in time."""
        url = self._plan.ready_url
        if url is not None:
            self.process.await_ready(lambda: _answers_ok(url), START_SECONDS)

    def stop(self) -> None:
        """Let it finish the requests it is answering; then end it."""
        if self._process is not None:
            self._process.stop((SIGTERM, self._plan.stop_seconds))


def _answers_ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=PROBE_SECONDS).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
