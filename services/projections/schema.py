"""The service's tables: those of following, then those of each group, each with its own history."""

from typing import Final

from services.chassis.migrations import migrate

# Track and package: a group's tables can be rebuilt without touching those of the others.
_TRACKS: Final = {
    "following": "services.projections.migrations",
    "okrs": "services.projections.okrs.migrations",
}


def migrate_schema(database_url: str, schema: str) -> None:
    """Bring every table up to date. It blocks; raises what `migrate` raises."""
    for track, package in _TRACKS.items():
        migrate(database_url, schema=schema, package=package, track=track)
