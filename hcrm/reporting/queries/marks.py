"""Which days of the roll-ups have changed since they were added up; readers count those from the records.

Only while so much comes in that counting it for each page would take seconds, a page may show the roll-ups as they
stand, and then says of which moment they are (``Lag``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Date, Select, any_, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from hcrm.organization.models import Facility
from hcrm.patients.models import Encounter, Patient
from hcrm.reporting.models import Mark, MarkKind, Progress
from hcrm.survey.models import SurveyAnswer, SurveyResponse

MANY = 3000
"""With more persons and responses than this to look up (an import is running) a page reads the records alone."""

MANY_DAYS = 60
"""With more changed days than this in a period, too."""

FEW_DAYS = 10
"""So many changed days a page counts from the records even where it may lag."""

LATEST = timedelta(minutes=15)
"""Roll-ups and results that are older are not shown for those of now, whatever comes in."""

LAG = "report_lag"
"""Where a session keeps that its reader may lag."""

Days = dict[int, set[date]]
"""Days by facility."""


@dataclass(slots=True)
class Lag:
    """A reader who may be told figures of ``as_of``, minutes ago; ``used`` once any of them are of then."""

    as_of: datetime
    used: bool = False
    changes: Changed | None = None

    def note(self, as_of: datetime | None = None) -> None:
        """Something that is told is of ``as_of``; without it, of when the roll-ups were last complete."""
        self.used = True
        if as_of is not None:
            self.as_of = min(self.as_of, as_of)


@dataclass(frozen=True, slots=True)
class Changed:
    """The changed days of each roll-up by facility; ``everything`` when there are too many to look up."""

    days: Mapping[MarkKind, Days] = field(default_factory=dict)
    everything: bool = False
    lag: Lag | None = None

    def within(self, kind: MarkKind, facility_id: int, first: date | None, last: date | None) -> frozenset[date] | None:
        """The changed days in a period; None when the period has to be read from the records.

        For a reader who may lag there are none where there are too many, and it is noted that the roll-ups lag.
        """
        if self.everything:
            return self._too_many()
        found = frozenset(
            day
            for day in self.days.get(kind, {}).get(facility_id, ())
            if (first is None or first <= day) and (last is None or day <= last)
        )
        return self._too_many() if len(found) > (MANY_DAYS if self.lag is None else FEW_DAYS) else found

    def _too_many(self) -> frozenset[date] | None:
        if self.lag is None:
            return None
        self.lag.note()
        return frozenset()


def allow_lag(session: Session, now: datetime) -> Lag | None:
    """Let whoever reads in this session be told figures of some minutes ago, if the roll-ups were complete then."""
    as_of = session.scalar(select(Progress.as_of))
    if as_of is None or as_of < now - LATEST:
        return None
    lag: Lag = session.info.setdefault(LAG, Lag(as_of))
    return lag


def lag_of(session: Session) -> Lag | None:
    """What ``allow_lag`` gave to this session."""
    return session.info.get(LAG)


def changed(session: Session) -> Changed:
    """What has changed, as of now; for a reader who may lag, as of when it was first asked in this session."""
    lag = lag_of(session)
    if lag is None:
        return _changed(session, None)
    if lag.changes is None:
        lag.changes = _changed(session, lag)
    return lag.changes


def _changed(session: Session, lag: Lag | None) -> Changed:
    subjects = session.execute(
        select(Mark.kind, Mark.subject_id).where(Mark.subject_id.is_not(None)).limit(MANY + 1)
    ).all()
    if len(subjects) > MANY:
        return Changed(everything=True, lag=lag)
    found = days_of(session, [(kind, subject) for kind, subject in subjects])
    marked = select(Mark.kind, Mark.facility_id, Mark.day).where(Mark.day.is_not(None)).distinct()
    for kind, facility_id, day in session.execute(marked):
        found.setdefault(kind, {}).setdefault(facility_id, set()).add(day)
    return Changed(found, lag=lag)


def days_of(session: Session, subjects: Iterable[tuple[MarkKind, int]]) -> dict[MarkKind, Days]:
    """The days of persons and responses, by roll-up and facility."""
    found: dict[MarkKind, Days] = {}
    by_kind: dict[MarkKind, set[int]] = {}
    for kind, subject in subjects:
        by_kind.setdefault(kind, set()).add(subject)
    persons, responses = by_kind.get(MarkKind.PERSON), by_kind.get(MarkKind.RESPONSE)
    if persons:
        _add(found, MarkKind.STAY, session, _stays_of(_records_of(session, persons)))
    if responses:
        _add(found, MarkKind.ANSWER, session, _answers_of(responses))
        _add(found, MarkKind.INVITATION, session, _invitations_of(responses))
    return found


def _add(found: dict[MarkKind, Days], kind: MarkKind, session: Session, statement: Select[Any]) -> None:
    for facility_id, day in session.execute(statement):
        found.setdefault(kind, {}).setdefault(facility_id, set()).add(day)


def _records_of(session: Session, patients: set[int]) -> set[int]:
    """These records, and all others of the same persons; those who have several are few."""
    merged = select(Patient.id, Patient.person_id).where(Patient.person_id != Patient.id)
    person_of: dict[int, int] = dict(session.execute(merged).tuples().all())
    persons = {person_of.get(patient, patient) for patient in patients}
    return patients | persons | {record for record, person in person_of.items() if person in persons}


def _stays_of(records: Iterable[int]) -> Select[Any]:
    """The days on which stays of these records ended."""
    return (
        select(Encounter.facility_id, Encounter.discharged_on)
        .where(Encounter.patient_id == _any_of(records), Encounter.discharged_on.is_not(None))
        .distinct()
    )


def _any_of(ids: Iterable[int]) -> Any:
    """As one array: they can be many."""
    return any_(cast(sorted(ids), ARRAY(BigInteger)))


def _answers_of(responses: Iterable[int]) -> Select[Any]:
    day = cast(func.timezone(Facility.timezone, SurveyAnswer.answered_at), Date)
    return (
        select(SurveyAnswer.facility_id, day)
        .join(Facility, Facility.id == SurveyAnswer.facility_id)
        .where(SurveyAnswer.response_id == _any_of(responses))
        .distinct()
    )


def _invitations_of(responses: Iterable[int]) -> Select[Any]:
    day = cast(func.timezone(Facility.timezone, SurveyResponse.invited_at), Date)
    return (
        select(SurveyResponse.facility_id, day)
        .join(Facility, Facility.id == SurveyResponse.facility_id)
        .where(SurveyResponse.id == _any_of(responses))
        .distinct()
    )
