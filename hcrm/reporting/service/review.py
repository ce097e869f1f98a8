"""Reviews of people's work (绩效): seen by the person and their head only, approved by the head, open to appeal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.followup.queries.recalls import recalls
from hcrm.reporting.domain.periods import Period
from hcrm.reporting.domain.reports import LEAST_OF_A_PERSON, Rate, Selection
from hcrm.reporting.models import ReviewAppeal, ReviewApproval
from hcrm.reporting.queries.answers import midnight
from hcrm.reporting.queries.places import facility_zones
from hcrm.reporting.queries.review import Work, alerts_of, work_of


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One person's month: their calls, the alerts they raised, and what re-calls found, by verdict."""

    user_id: int
    name: str
    work: Work
    alerts: int
    recalls: Mapping[str, int]

    @property
    def scored(self) -> bool:
        """Whether there are enough calls for shares."""
        return self.work.counted >= LEAST_OF_A_PERSON

    @property
    def done(self) -> Rate:
        return Rate(self.work.completed, self.work.counted)

    @property
    def in_time(self) -> Rate:
        return Rate(self.work.in_time, self.work.counted)


def reviews(
    session: Session, *, facility_id: int, people: Mapping[int, str], period: Period, now: datetime
) -> list[Reviewed]:
    """The month of these people, whatever department their calls were for."""
    selection = Selection(period.from_on, period.to_on, {facility_id: None})
    zone = facility_zones(session, selection)[facility_id]
    begin, end = midnight(period.from_on, zone), midnight(period.to_on + timedelta(days=1), zone)
    work = work_of(session, selection, people, now)
    alerts = alerts_of(session, facility_id, begin, end, people)
    verdicts: dict[int, Counter[str]] = {}
    for checked in recalls(session, facility_id, since=begin).recalled:
        who, done_at = checked.task.ended_by_user_id, checked.task.completed_at
        if who in people and checked.verdict is not None and done_at is not None and done_at < end:
            verdicts.setdefault(who or 0, Counter())[checked.verdict.value] += 1
    return [
        Reviewed(key, name, work.get(key, Work()), alerts.get(key, 0), dict(verdicts.get(key, {})))
        for key, name in people.items()
    ]


def approve_review(
    session: Session, *, facility_id: int, department_id: int, month: str, now: datetime, actor_user_id: int
) -> None:
    """The head stands by the figures of a department's people in a month; doing it again changes nothing."""
    statement = insert(ReviewApproval).values(
        facility_id=facility_id, department_id=department_id, month=month, approved_by=actor_user_id, approved_at=now
    )
    session.execute(statement.on_conflict_do_nothing())
    _audit(session, "review.approved", facility_id, department_id, actor_user_id, now)


def appeal_review(
    session: Session, *, facility_id: int, month: str, words: str, now: datetime, actor_user_id: int
) -> int:
    """A person says what is wrong with their figures; the id of the appeal."""
    row = ReviewAppeal(
        facility_id=facility_id,
        user_id=actor_user_id,
        month=month,
        words=words,
        made_at=now,
        answer=None,
        answered_by=None,
        answered_at=None,
    )
    session.add(row)
    session.flush()
    _audit(session, "review.appealed", facility_id, row.id, actor_user_id, now)
    return row.id


def answer_appeal(session: Session, *, appeal_id: int, answer: str, now: datetime, actor_user_id: int) -> None:
    """The head answers an appeal."""
    row = session.get_one(ReviewAppeal, appeal_id, with_for_update=True)
    row.answer, row.answered_by, row.answered_at = answer, actor_user_id, now
    session.flush()
    _audit(session, "review.answered", row.facility_id, row.id, actor_user_id, now)


def note_look(session: Session, *, facility_id: int, now: datetime, actor_user_id: int) -> None:
    """Somebody looked at the figures of people other than themselves."""
    _audit(session, "review.viewed", facility_id, None, actor_user_id, now)


def _audit(
    session: Session, action: str, facility_id: int, object_id: int | None, actor_user_id: int, now: datetime
) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor_user_id,
        facility_id=facility_id,
        object_kind="review",
        object_id=object_id,
    )
