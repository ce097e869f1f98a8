"""What patients say: their comments without names and numbers, and the cells that weighted scores are made of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Integer, Select, and_, cast, extract, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from hcrm.accounts.domain import Scope
from hcrm.accounts.models import Membership, UserAccount
from hcrm.organization.models import Clinician, Facility
from hcrm.patients.models import Encounter, Patient
from hcrm.survey.domain import AnswerValue, Mode, ResponseState
from hcrm.survey.domain.flow import OVERALL
from hcrm.survey.domain.redaction import redacted
from hcrm.survey.domain.weighting import Cell, age_band
from hcrm.survey.models import Questionnaire, QuestionnaireVersion, SurveyAnswer, SurveyResponse

LOW, HIGH = frozenset({1, 2}), frozenset({4, 5})
RATINGS = {"low": LOW, "high": HIGH}
"""Comments of those who rated the whole so."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which answers are looked at: of one questionnaire, given on these days (both included, the facility's days)."""

    questionnaire: str
    from_on: date
    to_on: date
    department_id: int | None = None
    mode: Mode | None = None
    rating: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote, without names and numbers; ``overall`` is how they rated the whole."""

    answered_at: datetime
    department_id: int | None
    question_code: str
    text: str
    overall: int | None
    mode: Mode


def comments(
    session: Session, scope: Scope, chosen: Chosen, codes: Iterable[str], *, offset: int = 0, limit: int = 50
) -> tuple[int, list[Comment]]:
    """How many comments there are, and some of them, the newest first. ``codes`` are the questions in own words."""
    whole = aliased(SurveyAnswer)
    found = (
        _answers(session, scope, chosen)
        .outerjoin(
            whole,
            and_(
                whole.response_id == SurveyResponse.id,
                whole.question_code == OVERALL,
                whole.superseded_at.is_(None),
            ),
        )
        .where(SurveyAnswer.question_code.in_(list(codes)))
    )
    if chosen.rating in RATINGS:
        found = found.where(cast(whole.value, Integer).in_(sorted(RATINGS[chosen.rating])), _is_number(whole.value))
    total = session.scalar(found.with_only_columns(func.count())) or 0
    rows = session.execute(
        found.join(Patient, Patient.id == SurveyResponse.patient_id)
        .outerjoin(Encounter, Encounter.id == SurveyResponse.encounter_id)
        .with_only_columns(
            SurveyAnswer,
            SurveyResponse.department_id,
            SurveyResponse.facility_id,
            whole.value.label("overall"),
            Patient.full_name,
            Patient.family_name,
            Patient.given_name,
            Encounter.nurse,
            Encounter.contact_name,
        )
        .order_by(SurveyAnswer.answered_at.desc(), SurveyAnswer.id.desc())
        .offset(offset)
        .limit(limit)
    ).all()
    staff = {facility_id: staff_names(session, facility_id) for facility_id in {row.facility_id for row in rows}}
    return total, [_comment(row, staff[row.facility_id]) for row in rows]


def _is_number(value: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    return func.jsonb_typeof(value) == "number"


def _comment(row: Any, staff: frozenset[str]) -> Comment:
    answer: SurveyAnswer = row.SurveyAnswer
    own = (row.full_name, row.family_name, row.given_name, row.nurse, row.contact_name)
    return Comment(
        answered_at=answer.answered_at,
        department_id=row.department_id,
        question_code=answer.question_code,
        text=redacted(redacted(str(answer.value), staff), {name for name in own if name}),
        overall=row.overall if isinstance(row.overall, int) else None,
        mode=answer.mode,
    )


def staff_names(session: Session, facility_id: int) -> frozenset[str]:
    """Names of those who work in a facility."""
    doctors = session.scalars(select(Clinician.name).where(Clinician.facility_id == facility_id))
    users = session.scalars(
        select(UserAccount.display_name)
        .join(Membership, Membership.user_id == UserAccount.id)
        .where(Membership.facility_id == facility_id)
    )
    return frozenset(doctors) | frozenset(users)


def cells_by_question(session: Session, scope: Scope, chosen: Chosen) -> dict[str, list[Cell]]:
    """The answers to each question by department and age band, beside how many of each were invited in these days."""
    age = cast(extract("year", func.age(cast(SurveyResponse.invited_at, Date), Patient.birth_date)), Integer)
    asked = session.execute(
        _responses(session, scope, chosen)
        .join(Patient, Patient.id == SurveyResponse.patient_id)
        .with_only_columns(SurveyResponse.department_id, age.label("age"), func.count().label("number"))
        .group_by(SurveyResponse.department_id, "age")
    )
    invited: Counter[tuple[int | None, int]] = Counter()
    for department_id, years, number in asked:
        invited[department_id, age_band(years)] += number
    given = session.execute(
        _answers(session, scope, chosen)
        .join(Patient, Patient.id == SurveyResponse.patient_id)
        .where(func.jsonb_typeof(SurveyAnswer.value) == "number")
        .with_only_columns(
            SurveyAnswer.question_code,
            SurveyResponse.department_id,
            age.label("age"),
            SurveyAnswer.value,
            func.count().label("number"),
        )
        .group_by(SurveyAnswer.question_code, SurveyResponse.department_id, "age", SurveyAnswer.value)
    )
    values: dict[str, dict[tuple[int | None, int], Counter[AnswerValue]]] = defaultdict(lambda: defaultdict(Counter))
    for code, department_id, years, value, number in given:
        values[code][department_id, age_band(years)][value] += number
    return {code: _cells(invited, by_group) for code, by_group in values.items()}


def _cells(
    invited: Counter[tuple[int | None, int]], by_group: dict[tuple[int | None, int], Counter[AnswerValue]]
) -> list[Cell]:
    """A group that answered in these days to an earlier invitation counts as invited as often as it answered."""
    groups = sorted(set(invited) | set(by_group), key=lambda group: (group[0] is None, group[0] or 0, group[1]))
    return [
        Cell(*group, max(invited[group], by_group.get(group, Counter()).total()), by_group.get(group, Counter()))
        for group in groups
    ]


def _answers(session: Session, scope: Scope, chosen: Chosen) -> Select[Any]:
    statement = (
        _joined(select(SurveyAnswer).join(SurveyResponse, SurveyResponse.id == SurveyAnswer.response_id), chosen)
        .where(SurveyAnswer.superseded_at.is_(None), _inside(session, scope, chosen, SurveyAnswer.answered_at))
    )  # fmt: skip
    return statement if chosen.mode is None else statement.where(SurveyAnswer.mode == chosen.mode)


def _responses(session: Session, scope: Scope, chosen: Chosen) -> Select[Any]:
    return _joined(select(SurveyResponse), chosen).where(
        SurveyResponse.state != ResponseState.INELIGIBLE,
        _inside(session, scope, chosen, SurveyResponse.invited_at),
    )


def _joined(statement: Select[Any], chosen: Chosen) -> Select[Any]:
    versions = (
        select(QuestionnaireVersion.id)
        .join(Questionnaire, Questionnaire.id == QuestionnaireVersion.questionnaire_id)
        .where(Questionnaire.code == chosen.questionnaire)
    )
    found = statement.where(SurveyResponse.questionnaire_version_id.in_(versions))
    if chosen.department_id is None:
        return found
    return found.where(SurveyResponse.department_id == chosen.department_id)


def _inside(session: Session, scope: Scope, chosen: Chosen, at: InstrumentedAttribute[datetime]) -> ColumnElement[bool]:
    """In the scope, and on the days by the calendar of each facility."""
    zones = session.execute(select(Facility.id, Facility.timezone).where(Facility.id.in_(sorted(scope.facility_ids))))
    parts: list[ColumnElement[bool]] = []
    for facility_id, zone in zones:
        departments = scope.departments[facility_id]
        here = and_(
            SurveyResponse.facility_id == facility_id,
            at >= _midnight(chosen.from_on, zone),
            at < _midnight(chosen.to_on + timedelta(days=1), zone),
        )
        parts.append(here if departments is None else and_(here, SurveyResponse.department_id.in_(sorted(departments))))
    return or_(false(), *parts)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))
