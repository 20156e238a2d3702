"""What recording a group of batches comes to: which rows are appended, what each sender is told."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import Final

from services.metrics.domain.readings import (
    Admission,
    Entry,
    Identity,
    RecordableKpi,
    Rejection,
    TouchedPeriod,
    is_source,
    judge,
)
from services.metrics.domain.revisions import (
    CONFLICT,
    FIRST_REVISION,
    Revision,
    Revisions,
    Settlement,
)
from services.metrics.persistence.readings import NewRow
from services.metrics.persistence.rejected import RejectedRow
from services.metrics.reading_format import Batch, quote

_IDENTITY: Final = itemgetter(0)


@dataclass(frozen=True, slots=True)
class IntakeMessage:
    """The bus message that a batch came in: its producer, and its place in the stream."""

    source: str
    sequence: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A batch to record, for `actor` (a kind, a colon, an id), who may write to some KPIs.

    Where it came in a `message`, its rejections are kept, since nobody waits for an answer.
    """

    batch: Batch
    actor: str
    may_write: Callable[[str], bool]
    message: IntakeMessage | None = None

    @property
    def source(self) -> str | None:
        """The producer that all readings are of, where that is known."""
        return self.message.source if self.message else None

    def sources(self) -> Iterator[str]:
        """The names of the producers, as far as they can be names."""
        named = {reading.source or self.source or "" for _, reading in self.batch.readings}
        return filter(is_source, named)


@dataclass(slots=True)
class Recording:
    """What became of a batch: rows counted by their fate, and those refused one by one."""

    accepted: int = 0
    duplicates: int = 0
    corrections: int = 0
    rejections: list[Rejection] = field(default_factory=list)

    def refusals(self) -> list[dict[str, object]]:
        """The rejections in the order of their rows, as senders are told of them."""
        return [
            {"index": place, "code": code, "detail": detail}
            for place, code, detail in sorted(self.rejections)
        ]

    def count(self, settlement: Settlement, place: int) -> bool:
        """Count the reading at an index of the batch; whether it makes a row."""
        match settlement:
            case "accepted":
                self.accepted += 1
            case "correction":
                self.corrections += 1
            case "duplicate":
                self.duplicates += 1
            case "conflict":
                self.rejections.append(Rejection(place, CONFLICT.code, CONFLICT.detail))
        return settlement in {"accepted", "correction"}


class RecordingGroup:
    """Submissions that are recorded in one transaction, in the order in which they came."""

    def __init__(
        self,
        submissions: Sequence[Submission],
        find_kpi: Callable[[str], RecordableKpi | None],
        now: datetime,
    ) -> None:
        self._submissions = submissions
        self._entries: list[list[Entry]] = []
        self.recordings: list[Recording] = []
        self.touched: set[TouchedPeriod] = set()
        # Whether all rows to append are first revisions without any text.
        self.plain = True
        for submission in submissions:
            admission = Admission(
                find_kpi=find_kpi,
                may_write=submission.may_write,
                now=now,
                source=submission.source,
            )
            judgement = judge(submission.batch.readings, admission)
            self._entries.append(judgement.entries)
            self.plain = self.plain and not judgement.has_texts
            rejections = [*submission.batch.malformed, *judgement.rejections]
            self.recordings.append(Recording(rejections=rejections))
        self._seen = Counter(map(_IDENTITY, chain.from_iterable(self._entries)))

    @property
    def identities(self) -> list[Identity]:
        """The identities of all readings that can be recorded, each once, in order."""
        return sorted(self._seen)

    def settle(self, known: Mapping[Identity, Iterable[Revision]]) -> list[NewRow]:
        """Decide every reading beside what is known of its identity; the rows to append."""
        contested = self._contested(known)
        rows: list[NewRow] = []
        for submission, entries, recording in zip(
            self._submissions, self._entries, self.recordings, strict=True
        ):
            for identity, period, reading, place in entries:
                revisions = contested.get(identity)
                if revisions is None:
                    recording.accepted += 1
                    revision = FIRST_REVISION
                elif recording.count(revisions.settle(reading), place):
                    revision = revisions.last
                    self.plain = self.plain and revision == FIRST_REVISION
                else:
                    continue
                rows.append((identity, revision, submission.actor, reading))
                self.touched.add(period)
        return rows

    def _contested(
        self, known: Mapping[Identity, Iterable[Revision]]
    ) -> Mapping[Identity, Revisions]:
        """The identities of which more than one reading is to be looked at together."""
        contested = {identity: Revisions(revisions) for identity, revisions in known.items()}
        if len(self._seen) < self._seen.total():
            for identity, times in self._seen.items():
                if times > 1:
                    contested.setdefault(identity, Revisions())
        return contested

    def rejected(self) -> list[RejectedRow]:
        """The rejections of batches that came in messages."""
        return [
            row
            for submission, recording in zip(self._submissions, self.recordings, strict=True)
            if submission.message is not None and recording.rejections
            for row in _rejected_rows(submission.batch, submission.message, recording.rejections)
        ]


def _rejected_rows(
    batch: Batch, message: IntakeMessage, rejections: Iterable[Rejection]
) -> Iterator[RejectedRow]:
    readings = dict(batch.readings)
    for place, code, detail in rejections:
        reading = readings.get(place)
        quotation = quote(reading) if reading else batch.unreadable.get(place, "")
        yield RejectedRow(
            message.source, message.sequence, message.at, place, code, detail, quotation
        )
