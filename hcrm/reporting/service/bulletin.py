"""The one page of a department for the monthly meeting, in the order in which the meeting asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from hcrm.followup.domain.recall import Verdict
from hcrm.followup.queries.recalls import recalls
from hcrm.reporting.domain.comments import POSITIVE, Tone
from hcrm.reporting.domain.periods import Period
from hcrm.reporting.domain.reports import By, FollowupRow, Rate, RevisitRow, SatisfactionRow, Selection
from hcrm.reporting.domain.targets import Judged, Targeted
from hcrm.reporting.queries.answers import midnight
from hcrm.reporting.queries.meeting import ImprovementSnapshot, improvements
from hcrm.reporting.queries.places import facility_zones
from hcrm.reporting.queries.review import unable_by_reason
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.reporting.service.analysis import Comment, comments_of
from hcrm.reporting.service.followup import followup_report
from hcrm.reporting.service.revisits import revisit_report
from hcrm.reporting.service.satisfaction import satisfaction_report
from hcrm.reporting.service.targets import judged, rate_of

COMMON = 5
"""So many of the commonest topics and of the quotes are shown."""


@dataclass(frozen=True, slots=True)
class Effect:
    """An improvement action with the figure as it was and as it is in the period."""

    action: ImprovementSnapshot
    before: Rate
    now: Rate


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What the meeting asks of one department, or of the hospital."""

    followup: FollowupRow
    unable: Mapping[str, int]
    recalled: int
    not_confirmed: int
    said: SatisfactionRow
    said_before: SatisfactionRow
    topics: tuple[tuple[str, int], ...]
    praise: tuple[Comment, ...]
    problems: tuple[Comment, ...]
    returns: RevisitRow
    effects: tuple[Effect, ...]
    targets: tuple[Judged, ...]


def bulletin(session: Session, *, facility_id: int, place: Selection, period: Period, now: datetime) -> Bulletin:
    """Read everything for one period; ``place`` says where."""
    here = Selection(period.from_on, period.to_on, place.scope, place.department_id)
    days = (period.to_on - period.from_on).days + 1
    earlier_from, earlier_to = period.from_on - timedelta(days=days), period.from_on - timedelta(days=1)
    earlier = Selection(earlier_from, earlier_to, place.scope, place.department_id)
    calls = TaskFilter(human=True, tier=1, without_recall=True)
    checked = _checked(session, facility_id, here)
    written = comments_of(session, here, facility_id)
    negative = [each for each in written if each.tone in {Tone.NEGATIVE, Tone.MIXED}]
    topics = Counter(topic for each in negative for topic in each.topics)
    departments = [place.department_id] if place.department_id is not None else []
    return Bulletin(
        followup=followup_report(session, selection=here, by=By.NONE, now=now, only=calls).total,
        unable=unable_by_reason(session, here),
        recalled=len(checked),
        not_confirmed=sum(checked),
        said=satisfaction_report(session, selection=here, by=By.NONE).total,
        said_before=satisfaction_report(session, selection=earlier, by=By.NONE).total,
        topics=tuple(topics.most_common(COMMON)),
        praise=_different(each for each in written if each.tone.value == POSITIVE),
        problems=_different(negative),
        returns=revisit_report(session, measure="readmit_30d", selection=here, by=By.NONE, now=now).total,
        effects=effects(session, here, now),
        targets=tuple(judged(session, facility_id=facility_id, selection=here, departments=departments, now=now)),
    )


def _different(written: Iterable[Comment]) -> tuple[Comment, ...]:
    """The newest comments that do not say the same."""
    return tuple({each.words: each for each in written}.values())[:COMMON]


def effects(session: Session, selection: Selection, now: datetime) -> tuple[Effect, ...]:
    """The improvement actions of a place, each with its figure in the period."""
    found = []
    for action in improvements(session, selection):
        place = Selection(selection.from_on, selection.to_on, selection.scope, action.department_id)
        before = Rate(int(action.before["numerator"]), int(action.before["denominator"]))
        found.append(Effect(action, before, rate_of(session, Targeted(action.figure), place, now)))
    return tuple(found)


def _checked(session: Session, facility_id: int, here: Selection) -> list[bool]:
    """The calls of the place that were re-called in the period: whether the patient did not confirm the record."""
    assert here.from_on is not None
    assert here.to_on is not None
    zone = facility_zones(session, Selection(scope={facility_id: None}))[facility_id]
    end = midnight(here.to_on + timedelta(days=1), zone)
    allowed = (here.scope or {}).get(facility_id)
    return [
        each.verdict is Verdict.NOT_CONFIRMED
        for each in recalls(session, facility_id, since=midnight(here.from_on, zone)).recalled
        if (each.task.completed_at or end) < end
        and here.department_id in {None, each.task.department_id}
        and (allowed is None or each.task.department_id in allowed)
    ]
