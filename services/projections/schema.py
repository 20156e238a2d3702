"""The service's tables: those of following, then those of each group, each with its own history."""

from typing import Final

from services.chassis.migrations import migrate
from services.projections.settings import ProjectionsSettings

# Track and package: a group's tables can be rebuilt without touching those of the others.
_TRACKS: Final = {
    "following": "services.projections.migrations",
    "okrs": "services.projections.okrs.migrations",
}


def migrate_schema(settings: ProjectionsSettings) -> None:
    """Bring every table up to date. It blocks; raises what `migrate` raises."""
    url = settings.database_url.get_secret_value()
    for track, package in _TRACKS.items():
        migrate(url, schema=settings.db_schema, package=package, track=track)
