"""Files of other tools: their columns, values, numbers and days, mapped to a plan."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.goals.exchange.mapped import read_csv
from services.goals.exchange.mapping import OUR_COLUMNS, PresetName
from services.goals.exchange.plan import PlannedKeyResult, PlannedObjective
from services.goals.exchange.reading import ReadPlan
from services.goals.exchange.sent import read_document, read_file

FILES = Path(__file__).parent / "files"
IDS = {"ann@example.org": "u-1", "bob@example.org": "u-2"}


def envelope(csv: str, **changes: Any) -> dict[str, Any]:
    return {"format": "cairn.csv.v1", "csv": csv, **changes}


def preset(name: PresetName, **changes: Any) -> ReadPlan:
    text = (FILES / f"{name}.csv").read_bytes().decode()
    return read_document(envelope(text, preset=name, values={"owners": IDS}, **changes))


def objectives(read: ReadPlan) -> list[PlannedObjective]:
    found = [each.planned for each in read.objectives]
    assert all(found), read.findings
    return [each for each in found if each is not None]


def key_results(read: ReadPlan) -> list[PlannedKeyResult]:
    return [each for objective in objectives(read) for each in objective.key_results]


def found(read: ReadPlan) -> list[tuple[str, int | None, str | None]]:
    return [(each.code, each.row, each.field) for each in read.findings]


def errors(read: ReadPlan) -> list[tuple[str, int | None, str | None]]:
    return [(each.code, each.row, each.field) for each in read.findings if each.severity == "error"]


def test_goals_and_the_milestones_below_them_are_objectives_and_key_results() -> None:
    read = preset("betterworks")
    assert found(read) == [("values_not_imported", None, None)]
    revenue, homepage = objectives(read)
    assert revenue.owner.model_dump() == {"kind": "person", "id": "u-1"}
    assert revenue.labels == ("revenue", "go-to-market")
    assert revenue.description == "More of those who look should buy,\nand buy more."
    assert homepage.key_results == ()
    leads, conversion = revenue.key_results
    assert (leads.type, leads.baseline, leads.target, leads.unit) == ("increase", 0, 100, "%")
    assert (leads.value, leads.due_on) == (25, date(2026, 3, 31))
    assert (conversion.value, conversion.due_on) == (None, date(2026, 6, 30))


def test_a_goal_of_its_own_row_stands_below_the_rows_it_names() -> None:
    read = preset("peoplebox")
    assert errors(read) == []
    revenue, leads, form, cost = objectives(read)
    assert revenue.key_results == ()
    assert [each.objective for each in cost.aligned_to] == ["1", "2"]
    assert leads.delegates[0].id == "u-1"
    assert leads.labels == ("revenue", "leads")
    (own,) = leads.key_results
    assert (own.type, own.baseline, own.target, own.value) == ("increase", 5000, 7000, 5600)
    assert (own.title, own.status, own.unit) == ("Leads up by 40%", "at_risk", "")
    assert form.key_results[0].type == "binary"
    assert (cost.key_results[0].type, cost.key_results[0].unit) == ("decrease", "EUR")
    assert cost.key_results[0].status == "off_track"


def test_rows_of_the_same_objective_are_its_key_results() -> None:
    read = preset("peoplecues")
    assert found(read) == []
    footprint, written = objectives(read)
    assert [(each.title, each.type, each.unit) for each in footprint.key_results] == [
        ("Renewable energy", "increase", "%"),
        ("Waste", "decrease", ""),
    ]
    assert written.key_results == ()


def test_addresses_that_are_mapped_to_nobody_are_warned_of() -> None:
    text = (FILES / "peoplecues.csv").read_text()
    read = read_document(envelope(text, preset="peoplecues"))
    assert found(read) == [
        ("personal_data", 2, "Owner_Email_ID"),
        ("personal_data", 4, "Owner_Email_ID"),
    ]


def test_any_file_is_read_by_a_mapping_of_its_own() -> None:
    text = (
        "Ziel;Team;Messgröße;Von;Bis;Fällig;Wie\r\n"
        "Energie sparen;Werk 1;Verbrauch;1.234,5;1.000;31.12.2026;Gut\r\n"
    )
    read = read_document(
        envelope(
            text,
            columns={
                "ziel": "objective_title",
                "Team": ["owner_id", "labels"],
                "Messgröße": "key_result_title",
                "Von": "baseline",
                "Bis": "target",
                "Fällig": "due_on",
                "Wie": "status",
            },
            values={"owner_id": {"werk 1": "team-1"}, "status": {"gut": "on_track"}},
            defaults={"owner_kind": "team", "unit": "kWh"},
            delimiter=";",
            decimal=",",
            dates="DD.MM.YYYY",
            reason="Wie besprochen.",
        )
    )
    assert found(read) == []
    (saved,) = objectives(read)
    assert saved.owner.model_dump() == {"kind": "team", "id": "team-1"}
    assert saved.labels == ("werk-1",)
    (used,) = saved.key_results
    assert (used.type, used.baseline, used.target) == ("decrease", 1234.5, 1000)
    assert (used.due_on, used.status, used.unit) == (date(2026, 12, 31), "on_track", "kWh")
    assert read.reason == "Wie besprochen."


def test_a_preset_can_be_changed_in_part() -> None:
    text = (FILES / "peoplecues.csv").read_text().replace(",", ";").replace("Waste", "Abfall")
    read = read_document(
        envelope(
            text,
            preset="peoplecues",
            delimiter=";",
            values={"owners": IDS, "unit": {"Number": "t"}},
            columns={"Description": []},
        )
    )
    assert [each.unit for each in key_results(read)] == ["%", "t"]
    assert objectives(read)[0].description == ""


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"preset": "unheard-of"}, "literal_error", "/preset"),
        ({"delimiter": ""}, "literal_error", "/delimiter"),
        ({"columns": {"a": "objective_titel"}}, "unknown_column", "/columns"),
        ({"values": {"sttaus": {}}}, "unknown_column", "/values"),
        ({"defaults": {"x": "y"}}, "unknown_column", "/defaults"),
        ({"key_result_if": ["x"]}, "unknown_column", "/key_result_if"),
        ({"csv": 1}, "string_type", "/csv"),
        ({"extra": 1}, "extra_forbidden", "/extra"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(
    changes: dict[str, Any], code: str, pointer: str
) -> None:
    read = read_document(envelope("a\n1\n") | changes)
    assert [(each.code, each.pointer) for each in read.findings] == [(code, pointer)]


OURS = "objective_key,objective_title,owner_kind,owner_id,key_result_title,type,baseline,target"


def ours(*rows: str, header: str = OURS) -> ReadPlan:
    return read_file("\r\n".join([header, *rows]).encode())


def test_all_faults_of_a_file_are_found_with_their_rows_and_columns() -> None:
    read = ours(
        "a,A,team,t,Leads,increase,1e309,NaN",
        "a,Another,team,t,Mails,increase,5,4",
        "b,,team,t,,,,",
        "c,C,crowd,t,Leads,increase,,",
        "d,D,team,t,x",
    )
    assert errors(read) == [
        ("cell_count", 6, None),
        ("number_too_large", 2, "baseline"),
        ("not_a_number", 2, "target"),
        ("rows_disagree", 3, "objective_title"),
        ("key_result_target", 3, None),
        ("missing", 4, "title"),
        ("literal_error", 5, "owner_kind"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\ufeffobjective_title;owner_kind;owner_id\r\nA;team;t\r\n", '"delimiter": ";"'),
        ('"objective_title";"owner_kind"\n"A, or B";"team"', '"delimiter": ";"'),
        ("\nobjective_title\towner_kind\nA\tteam", r'"delimiter": "\t"'),
    ],
)
def test_a_file_with_another_separator_is_told_how_to_name_it(text: str, said: str) -> None:
    read = read_csv(text, OUR_COLUMNS)
    assert found(read) == [("other_delimiter", 1, None)]
    assert said in read.findings[0].message
    other = read_csv(text, replace(OUR_COLUMNS, delimiter=json.loads(said.split()[1])))
    assert "other_delimiter" not in {each.code for each in other.findings}


def test_a_single_column_may_be_called_what_it_likes() -> None:
    mapping = replace(OUR_COLUMNS, columns={"Goal; or wish": ("objective_title",)})
    read = read_csv("goal; or wish\nA", mapping)
    assert "other_delimiter" not in {each.code for each in read.findings}
    alone = read_csv("objective_title\nA", OUR_COLUMNS)
    assert "other_delimiter" not in {each.code for each in alone.findings}


def test_an_unknown_column_is_left_out_and_told_of() -> None:
    read = ours("A,team,t,x", header="objective_title,owner_kind,owner_id,Mood")
    assert found(read) == [("unknown_column", 1, "Mood")]
    assert len(objectives(read)) == 1


def test_a_key_result_without_a_type_is_of_the_type_that_it_is_measured_by() -> None:
    read = ours(
        "A,team,t,Up,1,2,,,",
        "A,team,t,Down,2,1,,,",
        "A,team,t,Band,,,3,,",
        "A,team,t,Steps,,,,German | 2; French,",
        "A,team,t,Done,,,,,x",
        header="objective_title,owner_kind,owner_id,key_result_title,baseline,target,lower,"
        "milestones,unit",
    )
    assert [each.type for each in key_results(read)] == [
        "increase",
        "decrease",
        "maintain",
        "milestones",
        "binary",
    ]


def test_what_an_export_guarded_is_told_without_its_apostrophe() -> None:
    read = ours("'=a,'-A,team,'@t,,,,")
    (only,) = objectives(read)
    assert (only.key, only.title, only.owner.id) == ("=a", "-A", "@t")


def test_a_file_in_another_encoding_is_refused_in_plain_words() -> None:
    read = read_file("Größe\n".encode("latin-1"))
    assert [each.code for each in read.findings] == ["not_utf8"]
    assert "byte 3" in read.findings[0].message


def test_a_file_without_rows_has_no_objectives() -> None:
    assert found(ours()) == [("no_objectives", None, None)]
    assert found(read_file(b"")) == [("empty_file", 1, None)]


def test_a_key_result_row_before_any_objective_is_an_error() -> None:
    text = "name,type\nLeads,milestone\nx,initiative\n"
    read = read_document(envelope(text, preset="betterworks"))
    assert errors(read)[:2] == [("no_objective_above", 2, None), ("row_kind", 3, "type")]


def test_a_plan_has_one_cycle() -> None:
    read = ours(
        "A,team,t,Q1", "B,team,t,Q2", header="objective_title,owner_kind,owner_id,cycle_name"
    )
    assert found(read) == [("rows_disagree", 3, "cycle")]
