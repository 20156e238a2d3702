"""`make bench`: every row is measured against its baseline in the same run, on the same servers."""

import asyncio
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench import commands, freshness, histories, readings
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

# Each side is measured so often, in turns, and its best round counts.
ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One promise: what was measured, against what, and what is promised."""

    what: str
    cairn: str
    baseline: str
    figure: float
    promised: float
    unit: str = "x"

    @property
    def kept(self) -> bool:
        """A ratio is to be at least what is promised, a time at most."""
        if self.unit == "x":
            return self.figure >= self.promised
        return self.figure <= self.promised


def main() -> None:
    """Measure and print the table."""
    print(f"{os.cpu_count()} processors, Python {platform.python_version()}", flush=True)
    # The plain service logs no requests, so neither does ours.
    with empty_stack(log_level="warning") as stack:
        rows = [_commands(stack), _readings(stack), _freshness(stack)]
        times = histories.measure(stack)
    _print(rows)
    _print_histories(times)


def _commands(stack: EmptyStack) -> Row:
    """The better of the rounds counts on both sides: what disturbs them is not ours."""
    ours: list[Load] = []
    plain: list[Load] = []
    with commands.plain_goals(stack.postgres_url()) as url:
        for _ in range(ROUNDS):
            plain.append(asyncio.run(commands.measure_plain(url)))
            ours.append(asyncio.run(commands.measure_cairn(stack)))
    best, best_plain = max(ours, key=_rate), max(plain, key=_rate)
    return Row(
        "commands over HTTP, durable, 64 clients",
        f"{best.rate:,.0f}/s (median {best.percentile(0.5):.0f} ms)",
        f"{best_plain.rate:,.0f}/s (median {best_plain.percentile(0.5):.0f} ms)",
        best.rate / best_plain.rate,
        5.0,
    )


def _readings(stack: EmptyStack) -> Row:
    asyncio.run(readings.define_kpi(stack))
    ours: list[Load] = []
    plain: list[Load] = []
    for turn in range(ROUNDS):
        plain.append(readings.measure_plain(stack.postgres_url(), turn))
        ours.append(asyncio.run(readings.measure_http(stack, turn)))
    best, best_plain = max(ours, key=_rate), max(plain, key=_rate)
    return Row(
        "readings over HTTP, JSON batches of 1,000, durable, deduplicated",
        f"{best.rate:,.0f}/s",
        f"{best_plain.rate:,.0f}/s",
        best.rate / best_plain.rate,
        0.6,
    )


def _freshness(stack: EmptyStack) -> Row:
    load = asyncio.run(freshness.measure(stack))
    return Row(
        f"acknowledged to visible in the tree, at {freshness.COMMANDS_PER_SECOND} commands/s",
        f"median {load.percentile(0.5):.0f} ms, p99 {load.percentile(0.99):.0f} ms",
        "-",
        load.percentile(0.99),
        100.0,
        "ms",
    )


def _rate(load: Load) -> float:
    return load.rate


def _print(rows: list[Row]) -> None:
    for row in rows:
        sign = ">=" if row.unit == "x" else "<="
        print(
            f"\n{row.what}\n"
            f"  Cairn     {row.cairn}\n"
            f"  baseline  {row.baseline}\n"
            f"  {'ratio' if row.unit == 'x' else 'p99':<8}  {row.figure:.2f} {row.unit}"
            f"  (promised {sign} {row.promised} {row.unit}: {'kept' if row.kept else 'MISSED'})"
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
