"""From the log to deliveries: each webhook goes through the log on its own."""

from collections.abc import Sequence
from typing import Final

from contracts.cloudevents import event_id
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.postgres import connection
from services.goals.publishing import publish
from services.goals.webhooks.deliveries import Wanted, insert_deliveries
from services.goals.webhooks.event_types import is_wanted
from services.goals.webhooks.persistence import lock_place, move_place, places_behind
from services.goals.webhooks.runtime import Webhooks

MAX_EVENTS_AT_ONCE: Final = 500


class Enqueuer:
    """Writes down which events are to be delivered to whom.

    A webhook's place in the log and its deliveries up to there are committed together, and only
    from the place that was read: killed anywhere, or led twice, it leaves nothing out.
    """

    def __init__(self, webhooks: Webhooks) -> None:
        self._log = webhooks.log
        self._pool = webhooks.pool

    async def advance(self) -> bool:
        """Take every webhook that is behind one step on; whether there was any.

        Those that stand together go together, and who is far behind holds up nobody.
        """
        async with connection(self._pool) as lent:
            places = await places_behind(lent)
        for place in places:
            await self._advance_from(place)
        return bool(places)

    async def _advance_from(self, place: int) -> None:
        events = await self._log.after(place, MAX_EVENTS_AT_ONCE)
        candidates = [_candidate(each) for each in events]
        async with connection(self._pool) as lent, lent.transaction():
            webhooks = await lock_place(lent, place)
            for webhook_id, patterns in webhooks.items():
                await insert_deliveries(lent, webhook_id, _wanted(candidates, patterns))
            await move_place(lent, list(webhooks), candidates[-1].position)


def _candidate(logged: LoggedEvent) -> Wanted:
    assert logged.position is not None
    assert logged.recorded_at is not None
    return Wanted(
        position=logged.position,
        event_id=event_id(logged.originator_id, logged.originator_version),
        event_type=publish(logged).event.TYPE,
        event_time=logged.recorded_at,
    )


def _wanted(candidates: Sequence[Wanted], patterns: Sequence[str]) -> list[Wanted]:
    return [each for each in candidates if is_wanted(each.event_type, patterns)]
