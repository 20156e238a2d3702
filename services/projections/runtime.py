"""What a running projection service holds, for its routes to use."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.postgres import Pool, open_pool
from services.projections.applying import Applier
from services.projections.settings import ProjectionsSettings
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


async def open_query_pool(settings: ProjectionsSettings) -> Pool:
    """The pool for what only reads.

    All that a query sends in one pipeline is one transaction, and thus one cut through all tables,
    without a BEGIN and a COMMIT to be waited for. Every query is made of lookups by index, however
    much it finds: one plan fits all parameters, and its modest cost also keeps PostgreSQL from
    compiling it, which would take longer than it runs.
    """
    return await open_pool(
        settings,
        default_transaction_isolation="repeatable read",
        default_transaction_read_only="on",
        plan_cache_mode="force_generic_plan",
    )
