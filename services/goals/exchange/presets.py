"""Mappings for the CSV files that other tools document for their imports.

    betterworks  "OKR Uploads": rows of goals and, below each, its milestones
    peoplebox    "Goals Import via CSV (V2)": a row for each goal, which may name rows above it
    peoplecues   "Objectives Bulk Upload": a row for each objective, with its metric

All three name owners by mail address. What is recorded stays for good, so send `values` for
`owners` that map addresses to ids; addresses that are left lead to a warning.
"""

from collections.abc import Mapping
from typing import Final

from services.goals.exchange.mapping import ANY_VALUE, CsvMapping, PresetName, RowKinds

_OWNED_BY_PERSONS: Final[Mapping[str, str]] = {"owner_kind": "person"}
_STATUSES: Final[Mapping[str, str]] = {
    "on track": "on_track",
    "at risk": "at_risk",
    "behind": "off_track",
    "off track": "off_track",
    ANY_VALUE: "",
}

_BETTERWORKS: Final = CsvMapping(
    columns={
        "name": ("objective_title", "key_result_title"),
        "type": (),
        "progress": ("value",),
        "start_date": (),
        "end_date": ("due_on",),
        "owner_email": ("owners",),
        "categories": ("labels",),
        "description": ("objective_description",),
    },
    # A milestone is told in percent, whatever it is a percentage of.
    defaults={
        **_OWNED_BY_PERSONS,
        "type": "increase",
        "baseline": "0",
        "target": "100",
        "unit": "%",
    },
    rows=RowKinds(column="type", objective=("goal",), key_result=("milestone",)),
)

_PEOPLEBOX: Final = CsvMapping(
    columns={
        "Row ID": ("objective_key",),
        "Parent Row IDs": ("aligned_to",),
        "Parent Goal IDs": (),
        "Goal ID": (),
        "Action": (),
        "Goal Title": ("objective_title", "key_result_title"),
        "Owner Emails": ("owners",),
        "Goal Cycle": (),
        "Goal Type": ("type", "unit"),
        "Scope": (),
        "Departments": (),
        "Start Date": (),
        "End Date": ("due_on",),
        "Description": ("objective_description",),
        "Starting Value": ("baseline",),
        "Target Value": ("target",),
        "Current Value": ("value",),
        "Progress Status": ("status",),
        "Check-in Type": (),
        "Tags": ("labels",),
    },
    values={
        "type": {"binary": "binary", ANY_VALUE: ""},
        "unit": {
            "default progress": "%",
            "custom percent": "%",
            "euro": "EUR",
            "dollar": "USD",
            ANY_VALUE: "",
        },
        "status": _STATUSES,
    },
    defaults={**_OWNED_BY_PERSONS, "baseline": "0"},
    # A goal that only sums up those below it has no number of its own.
    key_result_if=("target", "type"),
)

_PEOPLECUES: Final = CsvMapping(
    columns={
        "Objective Title": ("objective_title",),
        "Owner_Email_ID": ("owners",),
        "Start_Date": (),
        "Due_Date": ("due_on",),
        "Description": ("objective_description",),
        "Metric_Name": ("key_result_title",),
        "Metric_Type": ("unit",),
        "Metric_Start_Value": ("baseline",),
        "Metric_Target_Value": ("target",),
    },
    values={"unit": {"percentage": "%", "number": "", "time": "", "currency": "", ANY_VALUE: ""}},
    defaults=_OWNED_BY_PERSONS,
    key_result_if=("key_result_title",),
)

PRESETS: Final[Mapping[PresetName, CsvMapping]] = {
    "betterworks": _BETTERWORKS,
    "peoplebox": _PEOPLEBOX,
    "peoplecues": _PEOPLECUES,
}
