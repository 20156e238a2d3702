"""The columns of a plan as CSV: one row for each key result, the objective's cells repeated.

An objective without key results has one row. A column's path says what of the document (see
`plan`) it holds. Lists in a cell: entries apart by semicolons or line breaks, their parts by `|`,
or else a JSON array.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Part = Literal["cycle", "objective", "key_result"]
Kind = Literal["text", "number", "share", "day", "list"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: whose it is, where in its document it goes, and what its cells hold.

    `entries` names the parts of a list's entries; one name means plain texts.
    """

    name: str
    part: Part
    path: tuple[str, ...]
    kind: Kind = "text"
    entries: tuple[str, ...] = ()


COLUMNS: Final = (
    Column("cycle_id", "cycle", ("id",)),
    Column("cycle_name", "cycle", ("name",)),
    Column("cycle_starts_on", "cycle", ("starts_on",), "day"),
    Column("cycle_ends_on", "cycle", ("ends_on",), "day"),
    Column("cycle_cadence", "cycle", ("cadence",)),
    Column("cycle_check_in_rhythm", "cycle", ("check_in_rhythm",)),
    Column("objective_key", "objective", ("key",)),
    Column("objective_title", "objective", ("title",)),
    Column("objective_description", "objective", ("description",)),
    Column("owner_kind", "objective", ("owner", "kind")),
    Column("owner_id", "objective", ("owner", "id")),
    Column("delegates", "objective", ("delegates",), "list", ("kind", "id")),
    Column("ambition", "objective", ("ambition",)),
    Column("labels", "objective", ("labels",), "list", ("label",)),
    Column(
        "aligned_to",
        "objective",
        ("aligned_to",),
        "list",
        ("objective", "key_result", "kind", "weight"),
    ),
    Column("objective_state", "objective", ("state",)),
    Column("objective_progress", "objective", ("progress",), "share"),
    Column("objective_score", "objective", ("score",), "share"),
    Column("verdict", "objective", ("verdict",)),
    Column("key_result_key", "key_result", ("key",)),
    Column("key_result_title", "key_result", ("title",)),
    Column("type", "key_result", ("type",)),
    Column("baseline", "key_result", ("baseline",), "number"),
    Column("target", "key_result", ("target",), "number"),
    Column("stretch", "key_result", ("stretch",), "number"),
    Column("lower", "key_result", ("lower",), "number"),
    Column("upper", "key_result", ("upper",), "number"),
    Column("milestones", "key_result", ("milestones",), "list", ("title", "weight", "done")),
    Column("phased_targets", "key_result", ("phased_targets",), "list", ("on", "value")),
    Column("unit", "key_result", ("unit",)),
    Column("weight", "key_result", ("weight",), "number"),
    Column("due_on", "key_result", ("due_on",), "day"),
    Column("value", "key_result", ("value",), "number"),
    Column("confidence", "key_result", ("confidence",), "share"),
    Column("status", "key_result", ("status",)),
    Column("kpi", "key_result", ("link", "kpi")),
    Column("kpi_reading", "key_result", ("link", "reading")),
    Column("key_result_progress", "key_result", ("progress",), "share"),
    Column("key_result_score", "key_result", ("score",), "share"),
)
BY_NAME: Final[Mapping[str, Column]] = {each.name: each for each in COLUMNS}

OWNERS: Final = "owners"
"""What a mapping may name beside the columns: ids of owners. The first owns, others may change."""
