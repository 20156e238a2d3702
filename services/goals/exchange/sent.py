"""A plan as it was sent: as JSON, as CSV text in JSON with a mapping, or as a CSV file."""

from collections.abc import Mapping

from services.goals.exchange.findings import Finding
from services.goals.exchange.mapped import read_csv
from services.goals.exchange.mapping import CSV_FORMAT, OUR_COLUMNS, CsvEnvelope
from services.goals.exchange.presets import PRESETS
from services.goals.exchange.reading import ReadPlan, read_plan, validated
from services.goals.exchange.table import decode


def read_document(document: object) -> ReadPlan:
    """Read JSON of the format `cairn.plan.v1` or `cairn.csv.v1`."""
    if isinstance(document, Mapping) and document.get("format") == CSV_FORMAT:
        return _read_envelope(document)
    return read_plan(document)


def read_file(content: bytes) -> ReadPlan:
    """Read a CSV file with the columns of an export."""
    try:
        text = decode(content)
    except UnicodeDecodeError as error:
        message = (
            f"The file is not encoded in UTF-8: byte {error.start + 1} is not. Save it as "
            "“CSV UTF-8”, with or without a byte order mark."
        )
        return ReadPlan(findings=[Finding(code="not_utf8", message=message)])
    return read_csv(text, OUR_COLUMNS)


def _read_envelope(document: Mapping[object, object]) -> ReadPlan:
    findings: list[Finding] = []
    envelope = validated(CsvEnvelope, document, "", findings)
    if envelope is not None:
        findings = envelope.unknown_columns()
    if envelope is None or findings:
        return ReadPlan(findings=findings)
    preset = PRESETS[envelope.preset] if envelope.preset else OUR_COLUMNS
    return read_csv(envelope.csv, envelope.mapping(preset), reason=envelope.reason)
