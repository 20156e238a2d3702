"""The `cairn` command: runs the local stack, makes tokens, and asks the services."""

import asyncio
import json
import math
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from pydantic import ValidationError

from deploy.local.history_text import entry_text
from deploy.local.home import StackHome
from deploy.local.plan_files import finding_lines, imported_lines, plan_body
from deploy.local.printable import lines, one_line
from deploy.local.reading_publisher import publish_reading_on_bus
from deploy.local.running_stack import RunningStack
from deploy.local.server_errors import ServerError
from deploy.local.service_client import RequestFailedError, ServiceClient
from deploy.local.settings import PORT_OFFSETS, LocalSettings
from deploy.local.stack import run_stack
from deploy.local.tokens import Bearer, Role, TokenIssuer
from deploy.local.tree_text import TreeText

SHORT_VALIDITY = timedelta(minutes=5)
PROBE_SECONDS = 2.0

app = typer.Typer(
    help="Cairn keeps a company's goals and measurements, and everything that happened to them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class PlanForm(StrEnum):
    """How a cycle is written down."""

    JSON = "json"
    CSV = "csv"


GivenToken = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="CAIRN_TOKEN",
        help="The token to ask with; without one, a short-lived one of the local stack.",
    ),
]


def main() -> None:
    """Run the command line; what a person can do something about is told without a traceback."""
    try:
        app()
    except (ServerError, RequestFailedError) as error:
        sys.exit(f"cairn: {lines(str(error))}")
    except ValidationError as error:
        faults = (f"CAIRN_{fault['loc'][0]}: {fault['msg']}".upper() for fault in error.errors())
        sys.exit("cairn: " + "; ".join(faults))


@app.command()
def up() -> None:
    """Start the whole stack on this machine and keep it running until Ctrl-C.

    A second start finds the data of the first. A service that ends is started again; if it, or
    PostgreSQL or NATS, keeps ending, the stack stops and says which one it was.

    Data is kept in CAIRN_HOME (.cairn); the services listen on CAIRN_PORT_BASE (8600) and the two
    ports above. CAIRN_DATABASE_URL and CAIRN_NATS_URL name servers of your own instead.

    Example, a second stack beside the first:
    CAIRN_HOME=.other CAIRN_PORT_BASE=8700 cairn up
    """
    settings = LocalSettings()
    try:
        run_stack(settings, report=_say)
    except KeyboardInterrupt:
        _say("Stopped.")
    except OSError as error:
        raise ServerError(
            f"{error.strerror}: {error.filename or settings.home}; the stack's data is kept in "
            "CAIRN_HOME, which must be writable and have room"
        ) from error


@app.command()
def token(
    role: Annotated[Role, typer.Option(help="What the bearer may do.")],
    subject: Annotated[
        str | None, typer.Option(help="Who the bearer is; without it, local- and the role.")
    ] = None,
    team: Annotated[
        list[str] | None, typer.Option(help="A team the bearer acts for; may be repeated.")
    ] = None,
    kpi: Annotated[
        list[str] | None,
        typer.Option(help="A pattern of KPI keys the bearer may measure; may be repeated."),
    ] = None,
    hours: Annotated[float, typer.Option(help="How long it is valid.")] = 12,
) -> None:
    """Print an access token that this machine's stack accepts.

    Example, for a scale in the warehouse: cairn token --role producer --kpi 'warehouse.*'
    """
    bearer = Bearer.of(role, teams=team or (), kpis=kpi or ("*",), subject=subject)
    try:
        print(_mint(bearer, timedelta(hours=hours)))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--hours") from error


@app.command()
def history(
    objective_id: str,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document per line instead of text.")
    ] = False,
    given_token: GivenToken = None,
) -> None:
    """Show all that ever happened to an objective, oldest first: who did what, when and why.

    Example: cairn history 3f1c9a52-0b7e-4c39-9d0e-5a2f6c1d7e84
    """
    render = partial(json.dumps, ensure_ascii=False) if as_json else entry_text
    for entry in _goals(given_token).items(f"/v1/objectives/{objective_id}/history"):
        print(lines(render(entry)))


@app.command()
def state(
    objective_id: str,
    as_of: Annotated[
        str | None, typer.Option(help="A moment with its zone: 2026-03-31T00:00:00Z.")
    ] = None,
    version: Annotated[int | None, typer.Option(help="A version of the objective.")] = None,
    given_token: GivenToken = None,
) -> None:
    """Show an objective as it is, as it was known at a moment, or at one of its versions.

    Example: cairn state 3f1c9a52-0b7e-4c39-9d0e-5a2f6c1d7e84 --as-of 2026-03-31T00:00:00Z
    """
    if as_of is not None and version is not None:
        raise typer.BadParameter("give either --as-of or --version")
    parameters = {"as_of": as_of, "version": version}
    _show(_goals(given_token).get(f"/v1/objectives/{objective_id}", parameters))


@app.command()
def tree(
    *,
    root: Annotated[str | None, typer.Option(help="Show what is below one objective.")] = None,
    cycle: Annotated[
        str | None, typer.Option(help="The id of a cycle; without it, those under way.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="A moment with its zone: 2026-03-31T00:00:00Z.")
    ] = None,
    key_results: Annotated[
        bool, typer.Option("--key-results", help="Show the key results of each objective as well.")
    ] = False,
    given_token: GivenToken = None,
) -> None:
    """Show the alignment tree: who contributes to what, progress, and points ahead of the pace.

    Without a root or a cycle it shows the cycles under way, each objective once.

    Example, as it was known at a moment: cairn tree --as-of 2026-03-31T00:00:00Z
    """
    if root is not None and cycle is not None:
        raise typer.BadParameter("give either --root or --cycle")
    client = ServiceClient(_running().projections, given_token or _own_token(Role.READER))
    cycles = list(client.items("/v1/cycles", {"as_of": as_of}))
    text = TreeText({each["id"]: each["name"] for each in cycles}, key_results=key_results)

    def read(cycle_id: str | None) -> Any:
        asked = {"root": root, "cycle": cycle_id, "as_of": as_of}
        return client.get("/v1/alignment-tree", asked)

    if root is not None or cycle is not None:
        shown = text.tree(read(cycle))
    else:
        shown = text.forest((each for each in cycles if each["state"] == "active"), read)
    for line in shown:
        print(one_line(line))


@app.command("export")
def export_cycle(
    cycle: str,
    *,
    form: Annotated[
        PlanForm, typer.Option("--format", help="json, or csv for a spreadsheet.")
    ] = PlanForm.JSON,
    as_of: Annotated[
        str | None, typer.Option(help="A moment with its zone: 2026-03-31T00:00:00Z.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; without it, the terminal.")
    ] = None,
    given_token: GivenToken = None,
) -> None:
    """Write a cycle with all that is in it, to be read elsewhere and imported again.

    Example: cairn export 3f1c9a52-0b7e-4c39-9d0e-5a2f6c1d7e84 --format csv -o quarter.csv
    """
    client = ServiceClient(_running().goals, given_token or _own_token(Role.READER))
    content = client.download(f"/v1/cycles/{cycle}/export", {"format": form, "as_of": as_of})
    if output is None:
        # A file that it is sent to gets every byte; a terminal would obey some of them.
        typer.echo(lines(content.decode()) if sys.stdout.isatty() else content, nl=False)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise RequestFailedError(f"{output}: {error.strerror}") from error


@app.command("import")
def import_plan(
    file: Path,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and record nothing.")
    ] = False,
    mapping: Annotated[
        Path | None,
        typer.Option(help="A JSON file that says how a CSV file of another tool is read."),
    ] = None,
    cycle: Annotated[
        str | None, typer.Option(help="Id or name of a cycle, instead of the plan's own.")
    ] = None,
    activate: Annotated[
        bool, typer.Option("--activate", help="Begin the work on what can be worked on.")
    ] = False,
    given_token: GivenToken = None,
) -> None:
    """Bring a whole plan in from a file, .json or CSV: all of it, or with one error nothing.

    What is wrong is shown with its place, and then the exit status is 1. The same file brought in
    again creates nothing twice. With {"preset": "betterworks"} as the mapping, a file of that tool
    is read; peoplebox and peoplecues are known as well.

    Example: cairn import quarter.csv --cycle "2026 Q1" --dry-run
    """
    content, media_type = plan_body(file, mapping)
    client = ServiceClient(_running().goals, given_token or _own_token(Role.ADMIN))
    asked = {"dry_run": str(dry_run).lower(), "activate": str(activate).lower(), "cycle": cycle}
    try:
        answer = client.upload("/v1/plans", content, media_type, asked)
    except RequestFailedError as error:
        for line in finding_lines(error.problem.get("findings", ())):
            print(one_line(line))
        raise
    for line in (*imported_lines(answer), *finding_lines(answer["findings"])):
        print(one_line(line))


# A negative value looks like an option; what is neither is still refused.
@app.command("publish-reading", context_settings={"ignore_unknown_options": True})
def publish_reading(
    kpi: str,
    value: float,
    *,
    source: Annotated[str, typer.Option(help="Who measured it.")] = "cli",
    at: Annotated[
        str | None, typer.Option(help="When it was true, with its zone; without it, now.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="What to remember with it.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why it replaces the value said before: a correction.")
    ] = None,
    nats: Annotated[
        bool, typer.Option("--nats", help="Publish it on the bus instead of over HTTP.")
    ] = False,
    given_token: GivenToken = None,
) -> None:
    """Publish one reading of a KPI.

    Example: cairn publish-reading sales.conversion.daily 6.4 --at 2026-01-20T23:00:00Z

    Example, a correction: cairn publish-reading sales.conversion.daily 6.1
    --at 2026-01-20T23:00:00Z --reason "counted returns twice"
    """
    if not math.isfinite(value):
        raise typer.BadParameter("a reading is a finite number", param_hint="value")
    reading = _reading(kpi, value, at=at, note=note, reason=reason)
    stack = _running()
    if nats:
        password = _home().password("nats-admin")
        asyncio.run(publish_reading_on_bus(stack.nats, password, source, reading))
        _say("The bus has it.")
        return
    client = ServiceClient(stack.metrics, given_token or _own_token(Role.PRODUCER))
    _show(client.post("/v1/readings", reading | {"source": source}))


@app.command()
def status() -> None:
    """Say which services of this machine's stack are ready; exit with 1 if one is not.

    Example: cairn status
    """
    stack = _running()
    states = {service: _readiness(getattr(stack, service)) for service in PORT_OFFSETS}
    for service, ready in states.items():
        print(f"{service:<12} {getattr(stack, service)}  {ready}")
    if set(states.values()) != {"ready"}:
        raise typer.Exit(1)


def _readiness(url: str) -> str:
    """Return what a service says of itself."""
    try:
        answer = httpx.get(f"{url}/readyz", timeout=PROBE_SECONDS)
    except httpx.HTTPError:
        return "does not answer"
    if answer.is_success:
        return "ready"
    failed = [name for name, check in answer.json()["checks"].items() if check != "ok"]
    return f"not ready: {', '.join(failed)}"


def _reading(
    kpi: str, value: float, *, at: str | None, note: str | None, reason: str | None
) -> dict[str, Any]:
    """Return the reading as producers send it; a reason makes it a correction."""
    reading: dict[str, Any] = {
        "kpi": kpi,
        "value": value,
        "at": at or datetime.now(UTC).isoformat(),
    }
    if note is not None:
        reading["note"] = note
    if reason is not None:
        reading |= {"correction": True, "reason": reason}
    return reading


def _goals(given_token: str | None) -> ServiceClient:
    return ServiceClient(_running().goals, given_token or _own_token(Role.AUDITOR))


def _own_token(role: Role) -> str:
    return _mint(Bearer.of(role), SHORT_VALIDITY)


def _mint(bearer: Bearer, validity: timedelta) -> str:
    return TokenIssuer(_home().keys).mint(bearer, now=datetime.now(UTC), validity=validity)


def _running() -> RunningStack:
    return RunningStack.read(_home().running)


def _home() -> StackHome:
    return StackHome(LocalSettings().home)


def _show(answer: Any) -> None:
    print(lines(json.dumps(answer, indent=2, ensure_ascii=False)))


def _say(line: str) -> None:
    # At once, although the output may be a pipe: people and scripts wait for it.
    print(line, flush=True)
