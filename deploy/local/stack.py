"""The whole of Cairn on this machine: started in order, watched, stopped in the reverse order."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx

from deploy.databases import SERVICES, prepare_databases, service_url
from deploy.local.environments import NatsLogin, producer_environment, service_environment
from deploy.local.home import StackHome, locked
from deploy.local.nats_server import CONFIGURATION, NatsPlace, NatsServer
from deploy.local.ports import is_free
from deploy.local.postgres_server import PostgresPlace, PostgresServer
from deploy.local.running_stack import RunningStack
from deploy.local.sample.owners import team
from deploy.local.sample_company import load
from deploy.local.server_errors import PortTakenError, ServerError
from deploy.local.service_process import ServicePlan, ServiceProcess
from deploy.local.settings import PORT_OFFSETS, LocalSettings
from deploy.local.supervision import Part, Report, Supervisor, obituary
from deploy.local.tokens import LONGEST_VALIDITY, Bearer, Role, TokenIssuer

TOKEN_VALIDITY = timedelta(hours=12)
PRODUCERS_STOP_SECONDS = 1.0
# The team of the sample company that the printed tokens of a role are for.
TEAMS = {Role.LEAD: (team("web").id,)}
NATS_USERS = (*SERVICES, "producer", "admin")

_INTERRUPTING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_stack(settings: LocalSettings, report: Report) -> None:
    """Start everything, say when it is ready, and keep it running until interrupted.

    SIGINT, SIGTERM and SIGHUP end it with KeyboardInterrupt, after everything has stopped.
    Raises ServerError, which says what to do about it, and OSError as the data directory does.
    """
    home = StackHome(settings.home.absolute())
    home.create()
    with _interruptible(), locked(home) as lock:
        stack = Stack(settings, home, lock, report)
        try:
            stack.start()
            stack.keep_running()
        finally:
            _ignore_interrupts()
            stack.stop()


class Stack:
    """PostgreSQL, NATS, the three services and the producers, as children of this process."""

    def __init__(self, settings: LocalSettings, home: StackHome, lock: int, report: Report) -> None:
        self._settings = settings
        self._home = home
        self._lock = lock
        self._report = report
        self._issuer = TokenIssuer(home.keys)
        # In the order of their start; those of one group start and stop together.
        self._groups: list[list[Part]] = []

    def start(self) -> None:
        """Start every part and load the sample company; raises ServerError."""
        began = time.monotonic()
        self._refuse_taken_ports()
        self._issuer.publish_keys()
        database_urls = self._start_postgres()
        logins = self._start_nats()
        self._start_services(database_urls, logins)
        tokens = {role: self._token(Bearer.of(role, teams=TEAMS.get(role, ()))) for role in Role}
        if self._settings.sample:
            self._load_sample_company(tokens)
            self._start_producers(logins["producer"])
        self._describe(logins["admin"].url)
        self._report(_welcome(self._settings, tokens, time.monotonic() - began))

    def keep_running(self) -> None:
        """Start again what ends, until interrupted; raises ServerError when that does not help."""
        Supervisor([part for group in self._groups for part in group], self._report).watch()

    def stop(self) -> None:
        """Stop every part, the last one started first."""
        self._home.running.unlink(missing_ok=True)
        if self._groups:
            self._report("Stopping.")
        with ThreadPoolExecutor() as threads:
            for group in reversed(self._groups):
                list(threads.map(_stop, group))

    def _refuse_taken_ports(self) -> None:
        for service in SERVICES:
            port = self._settings.port(service)
            if not is_free(port):
                raise PortTakenError(
                    port,
                    f"{service} is to listen there: stop what does now, or choose three other "
                    f"ports by the first of them, for example CAIRN_PORT_BASE={port + 100}",
                )

    def _start_postgres(self) -> dict[str, str]:
        """Return the database's address for each service."""
        given = self._settings.database_url
        if given is not None:
            return dict.fromkeys(SERVICES, given.get_secret_value())
        server = PostgresServer(
            PostgresPlace(
                home=self._home.postgres(), log=self._home.log("postgres"), lock=self._lock
            )
        )
        self._report("Starting PostgreSQL.")
        self._start_part(server)
        passwords = {service: self._home.password(f"postgres-{service}") for service in SERVICES}
        prepare_databases(server.url(), passwords)
        return {
            service: service_url(server.url(), service, password)
            for service, password in passwords.items()
        }

    def _start_nats(self) -> dict[str, NatsLogin]:
        """Return the bus's login for each of its users."""
        given = self._settings.nats_url
        if given is not None:
            return dict.fromkeys(NATS_USERS, NatsLogin(given.get_secret_value()))
        passwords = {user: self._home.password(f"nats-{user}") for user in NATS_USERS}
        server = NatsServer(
            NatsPlace(
                home=self._home.nats,
                log=self._home.log("nats"),
                accounts=(CONFIGURATION / "accounts.conf").read_text(),
                variables={
                    f"CAIRN_NATS_{user.upper()}_PASSWORD": password
                    for user, password in passwords.items()
                },
                lock=self._lock,
            )
        )
        self._report("Starting NATS.")
        self._start_part(server)
        return {
            user: NatsLogin(server.address(), user, password)
            for user, password in passwords.items()
        }

    def _start_services(self, database_urls: dict[str, str], logins: dict[str, NatsLogin]) -> None:
        """Launch all three, then wait for each: they become ready at the same time."""
        self._report(f"Starting {', '.join(SERVICES)}.")
        services = [
            ServiceProcess(
                ServicePlan(
                    name=service,
                    module=f"services.{service}.main",
                    environment=service_environment(
                        port=self._settings.port(service),
                        database_url=database_urls[service],
                        nats=logins[service],
                        jwks_file=self._issuer.jwks_file,
                    ),
                    log=self._home.log(service),
                    lock=self._lock,
                    ready_url=f"{self._settings.service_url(service)}/readyz",
                )
            )
            for service in SERVICES
        ]
        self._groups.append([*services])
        for service in services:
            service.launch()
        for service in services:
            service.await_ready()

    def _load_sample_company(self, tokens: Mapping[Role, str]) -> None:
        self._report("Loading the sample company.")
        try:
            asyncio.run(
                load(
                    self._settings.service_url("goals"),
                    self._settings.service_url("metrics"),
                    self._settings.service_url("projections"),
                    {str(role): token for role, token in tokens.items()},
                    self._report,
                )
            )
        except httpx.HTTPError as error:
            raise ServerError(
                f"the sample company could not be loaded: {error}; the services' logs are in "
                f"{self._home.log('goals').parent}{self._ended()}"
            ) from error

    def _ended(self) -> str:
        """Which parts have ended meanwhile, and what they said last: most likely that is why."""
        parts = (part for group in self._groups for part in group)
        return "".join(
            f"\n{obituary(part)}" for part in parts if part.process.exit_code() is not None
        )

    def _start_producers(self, login: NatsLogin) -> None:
        # They publish for as long as the stack runs, and cannot ask for another token.
        token = self._token(Bearer.of(Role.PRODUCER), LONGEST_VALIDITY)
        self._report("Starting the simulated producers of readings.")
        self._start_part(
            ServiceProcess(
                ServicePlan(
                    name="producers",
                    module="deploy.local.producers",
                    environment=producer_environment(
                        metrics_url=self._settings.service_url("metrics"), nats=login, token=token
                    ),
                    log=self._home.log("producers"),
                    lock=self._lock,
                    stop_seconds=PRODUCERS_STOP_SECONDS,
                )
            )
        )

    def _start_part(self, part: Part) -> None:
        # Known before it starts, so that it is stopped if it starts only half way.
        self._groups.append([part])
        part.start()

    def _token(self, bearer: Bearer, validity: timedelta = TOKEN_VALIDITY) -> str:
        return self._issuer.mint(bearer, now=datetime.now(UTC), validity=validity)

    def _describe(self, nats_url: str) -> None:
        RunningStack(
            pid=os.getpid(),
            nats=nats_url,
            **{service: self._settings.service_url(service) for service in SERVICES},
        ).write(self._home.running)


def _stop(part: Part) -> None:
    part.stop()


def _welcome(settings: LocalSettings, tokens: dict[Role, str], seconds: float) -> str:
    """Say where everything is, and give a token for each role."""
    pages = (f"  {name:<12} {settings.service_url(name)}/openapi.json" for name in PORT_OFFSETS)
    bearers = (
        f"  {' of '.join([role, *TEAMS.get(role, ())])}\n    {token}"
        for role, token in tokens.items()
    )
    hours = TOKEN_VALIDITY // timedelta(hours=1)
    return "\n".join(
        [
            f"Cairn is ready after {seconds:.1f} s. Ctrl-C stops it.",
            *pages,
            f"Tokens, valid for {hours} hours (`cairn token --help` makes others):",
            *bearers,
        ]
    )


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let every signal that asks for the end raise KeyboardInterrupt, as Ctrl-C does."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in _INTERRUPTING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_interrupts() -> None:
    """While the parts are stopped, which is bounded in time, asking again changes nothing."""
    for number in _INTERRUPTING:
        signal.signal(number, signal.SIG_IGN)
