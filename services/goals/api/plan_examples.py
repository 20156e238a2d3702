"""Plans as examples for the OpenAPI document."""

from typing import Any, Final

PLAN_EXAMPLE: Final[dict[str, Any]] = {
    "format": "cairn.plan.v1",
    "cycle": {
        "name": "2026 Q1",
        "starts_on": "2026-01-01",
        "ends_on": "2026-03-31",
        "cadence": "quarter",
    },
    "objectives": [
        {
            "key": "revenue",
            "title": "Increase sales revenue by 20%",
            "owner": {"kind": "company", "id": "company"},
            "ambition": "aspirational",
            "labels": ["revenue"],
            "key_results": [
                {
                    "key": "conversion",
                    "title": "Conversion from 5% to 8%",
                    "type": "increase",
                    "baseline": 5,
                    "target": 8,
                    "stretch": 9,
                    "unit": "%",
                    "link": {"kpi": "sales.conversion"},
                }
            ],
        },
        {
            "key": "homepage",
            "title": "Improve the homepage",
            "owner": {"kind": "team", "id": "team-web"},
            "aligned_to": [{"objective": "revenue", "key_result": "conversion"}],
            "key_results": [
                {"title": "Uptime", "type": "maintain", "lower": 99.99, "unit": "%"},
                {
                    "title": "Three languages",
                    "type": "milestones",
                    "milestones": [{"title": "German", "weight": 2}, {"title": "French"}],
                },
                {"title": "The design is responsive", "type": "binary"},
            ],
        },
    ],
    "reason": "As agreed in the planning of December.",
}

ENVELOPE_EXAMPLE: Final[dict[str, Any]] = {
    "format": "cairn.csv.v1",
    "csv": "Objective;Team;Measure;From;To;How it goes\r\n"
    "Cut the energy bill;facilities;Energy used;1.234,5;1.000;On Track\r\n",
    "columns": {
        "Objective": "objective_title",
        "Team": "owner_id",
        "Measure": "key_result_title",
        "From": "baseline",
        "To": "target",
        "How it goes": "status",
    },
    "values": {"owner_id": {"facilities": "team-facilities"}, "status": {"On Track": "on_track"}},
    "defaults": {"owner_kind": "team", "unit": "kWh"},
    "delimiter": ";",
    "decimal": ",",
}

CSV_EXAMPLE: Final = (
    "cycle_name,objective_title,owner_kind,owner_id,key_result_title,type\r\n"
    "2026 Q1,Improve the homepage,team,team-web,The design is responsive,binary\r\n"
)
