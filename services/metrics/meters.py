"""What the recorder measures of itself, in the registry behind `/metrics`."""

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.metrics.recording import Recording

_GROUP_ROWS_BUCKETS: Final = (1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000, 20_000)


class RecordingMeters:
    """Counts readings by what became of them, and the rows that were committed together."""

    def __init__(self, registry: CollectorRegistry) -> None:
        readings = Counter(
            "cairn_readings_total",
            "Readings that were sent, by what became of them.",
            ("outcome",),
            registry=registry,
        )
        self._accepted = readings.labels("accepted")
        self._duplicates = readings.labels("duplicate")
        self._corrections = readings.labels("correction")
        self._rejected = readings.labels("rejected")
        self._group_rows = Histogram(
            "cairn_readings_group_rows",
            "Rows that were appended in one transaction.",
            registry=registry,
            buckets=_GROUP_ROWS_BUCKETS,
        )

    def count(self, recordings: Sequence[Recording]) -> None:
        """Count what one transaction recorded."""
        accepted = sum(each.accepted for each in recordings)
        corrections = sum(each.corrections for each in recordings)
        self._accepted.inc(accepted)
        self._corrections.inc(corrections)
        self._duplicates.inc(sum(each.duplicates for each in recordings))
        self._rejected.inc(sum(len(each.rejections) for each in recordings))
        self._group_rows.observe(accepted + corrections)
