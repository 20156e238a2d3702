"""What a running projection service holds, for its routes to use."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.postgres import Pool
from services.projections.applying import Applier
from services.projections.waiting import PositionWatch


@dataclass(frozen=True, slots=True)
class Projections:
    """The pool that queries read, how far the okrs group is, and an applier for each group.

    A query waits at most `wait_seconds` for the position it asks for.
    """

    pool: Pool
    watch: PositionWatch
    appliers: Mapping[str, Applier]
    wait_seconds: float
