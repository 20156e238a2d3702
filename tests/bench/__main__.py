"""`make bench`: every row is measured against its baseline in the same run, on the same servers."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeVar

import uvloop

from services.chassis.logs import configure_logs
from services.chassis.serve import spare_collector
from tests.bench import commands, company, freshness, histories, readings, rebuild, trees
from tests.bench.histories import Times
from tests.bench.load import Load
from tests.empty_stack import EmptyStack, empty_stack

_COLUMNS = {
    "replayed": "without snapshots",
    "cold": "check-in, cold",
    "warm": "check-in, warm",
    "now": "state now",
    "midway": "state midway",
}

# Both sides are measured so often, in turns. The round of the middle ratio counts: what disturbs
# one side for a while most likely disturbs the other as well.
ROUNDS: Final = 3
# Of short rounds it takes more: the machine's speed changes from one to the next.
COMMAND_ROUNDS: Final = 7
# Of 500 objectives each.
PLANS: Final = 20


class Measured(Protocol):
    """What has a rate."""

    @property
    def rate(self) -> float:
        """How many a second."""


M = TypeVar("M", bound=Measured)


@dataclass(frozen=True, slots=True)
class Row:
    """One promise: what was measured, against what, and what is promised.

    `bound` says whether the figure is to be at least what is promised (of rates), or at most.
    """

    what: str
    cairn: str
    baseline: str
    figure: float
    promised: float
    unit: str = "x"
    bound: Literal[">=", "<="] = ">="

    @property
    def kept(self) -> bool:
        """Whether the promise is."""
        if self.bound == ">=":
            return self.figure >= self.promised
        return self.figure <= self.promised


def main() -> None:
    """Measure and print the table."""
    configure_logs("error", "bench")
    spare_collector()  # as the services do: some of what is measured runs in this process
    print(f"{os.cpu_count()} processors, Python {platform.python_version()}", flush=True)
    # The plain service logs no requests, so neither does ours.
    with empty_stack(log_level="warning") as stack:
        rows = [
            _commands(stack),
            _freshness(stack),
            # Millions of rows keep the disk busy for a while after.
            *_readings(stack),
            *_read_models(stack),
        ]
        times = histories.measure(stack)
    _print(rows)
    _print_histories(times)


def _commands(stack: EmptyStack) -> Row:
    rounds: list[tuple[Load, Load]] = []
    with commands.plain_goals(stack.postgres_url()) as url:
        for _ in range(COMMAND_ROUNDS):
            plain = uvloop.run(commands.measure_plain(url))
            rounds.append((uvloop.run(commands.measure_cairn(stack)), plain))
    ours, plain = _middle(rounds)
    return Row(
        "commands over HTTP, durable, 64 clients",
        f"{ours.rate:,.0f}/s (median {ours.percentile(0.5):.0f} ms)",
        f"{plain.rate:,.0f}/s (median {plain.percentile(0.5):.0f} ms)",
        ours.rate / plain.rate,
        5.0,
    )


def _readings(stack: EmptyStack) -> list[Row]:
    uvloop.run(readings.define_kpi(stack))
    http: list[tuple[Load, Load]] = []
    intake: list[tuple[Load, Load]] = []
    url = stack.postgres_url()
    for turn in range(ROUNDS):
        plain = uvloop.run(readings.measure_plain(url, turn))
        http.append((uvloop.run(readings.measure_http(stack, turn)), plain))
        intake.append((uvloop.run(readings.measure_nats(stack, turn)), plain))
    for source, rounds in ((readings.SOURCE, http), (readings.NATS_SOURCE, intake)):
        assert readings.count(url, source) == sum(each.done for each, _ in rounds), source
    return [
        Row(
            f"readings over {way}, JSON batches of 1,000, durable, deduplicated",
            f"{ours.rate:,.0f}/s",
            f"{plain.rate:,.0f}/s",
            ours.rate / plain.rate,
            0.6,
        )
        for way, (ours, plain) in (("HTTP", _middle(http)), ("NATS", _middle(intake)))
    ]


def _freshness(stack: EmptyStack) -> Row:
    load = uvloop.run(freshness.measure(stack))
    return Row(
        f"acknowledged to visible in the tree, at {freshness.COMMANDS_PER_SECOND} commands/s",
        f"median {load.percentile(0.5):.0f} ms, p99 {load.percentile(0.99):.0f} ms",
        "-",
        load.percentile(0.99),
        100.0,
        "ms",
        "<=",
    )


def _read_models(stack: EmptyStack) -> list[Row]:
    small = uvloop.run(company.found(stack, plans=1))
    alone = uvloop.run(trees.measure_team(stack, small))
    large = uvloop.run(company.found(stack, PLANS))
    among = uvloop.run(trees.measure_team(stack, small))
    times = uvloop.run(trees.measure(stack, large))
    rebuilt, decoded = _middle(uvloop.run(rebuild.measure(stack, large, ROUNDS)))
    first, second = rebuilt.halves
    return [
        *(
            Row(
                f"alignment tree over HTTP against one SELECT of its rows: {each.what}",
                f"{each.tree:.1f} ms",
                f"{each.select:.1f} ms",
                each.tree / each.select,
                2.0,
                bound="<=",
            )
            for each in times
        ),
        Row(
            f"the same subtree of 50 in a store of {large.objectives:,} objectives more",
            f"{among:.1f} ms",
            f"{alone:.1f} ms",
            among / alone,
            1.5,
            bound="<=",
        ),
        Row(
            f"rebuild of a read model from {rebuilt.events:,} events, against decoding them",
            f"{rebuilt.rate:,.0f}/s (first half {first:,.0f}/s, second half {second:,.0f}/s)",
            f"{decoded.rate:,.0f}/s",
            rebuilt.rate / decoded.rate,
            0.5,
        ),
    ]


def _middle(rounds: Sequence[tuple[M, M]]) -> tuple[M, M]:
    """The round whose ratio is neither the best nor the worst."""
    return sorted(rounds, key=lambda each: each[0].rate / each[1].rate)[len(rounds) // 2]


def _print(rows: list[Row]) -> None:
    for row in rows:
        print(
            f"\n{row.what}\n"
            f"  Cairn     {row.cairn}\n"
            f"  baseline  {row.baseline}\n"
            f"  {'ratio' if row.unit == 'x' else 'p99':<8}  {row.figure:.2f} {row.unit}  (promised"
            f" {row.bound} {row.promised} {row.unit}: {'kept' if row.kept else 'MISSED'})"
        )


def _print_histories(rows: Sequence[Times]) -> None:
    """Each time beside its ratio to the shortest history's in an empty store."""
    print(f"\ncheck-ins and reads by the length of the history, median ms (x {rows[0].what})")
    print(f"  {'':34}" + "".join(f"{name:>18}" for name in _COLUMNS.values()))
    for row in rows:
        cells = (
            f"{getattr(row, name):.1f} ({getattr(row, name) / getattr(rows[0], name):.2f} x)"
            for name in _COLUMNS
        )
        print(f"  {row.what:<34}" + "".join(f"{cell:>18}" for cell in cells))


if __name__ == "__main__":
    main()
