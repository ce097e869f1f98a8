"""What patients wrote in their own words, and the hospital's lists of words to sort it by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.patients.models import Encounter, Patient
from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.models import WordList
from hcrm.reporting.queries.answers import answer_conditions, versions_of
from hcrm.reporting.queries.places import facility_zones
from hcrm.survey.models import SurveyAnswer, SurveyResponse
from hcrm.survey.queries.said import staff_names


@dataclass(frozen=True, slots=True)
class Written:
    """One comment with the names that have to be taken out of it: of the patient and the contact, and of the staff."""

    words: str
    question: str
    department_id: int | None
    answered_at: datetime
    names: frozenset[str]
    staff: frozenset[str]


def written(
    session: Session, selection: Selection, questionnaire: str, questions: Sequence[str], *, limit: int
) -> list[Written]:
    """Answers in words to these questions in the period, the newest first."""
    versions, found = versions_of(session, questionnaire), []
    for facility_id, zone in facility_zones(session, selection).items():
        statement = (
            select(
                SurveyAnswer.value,
                SurveyAnswer.question_code,
                SurveyResponse.department_id,
                SurveyAnswer.answered_at,
                Patient.full_name,
                Patient.family_name,
                Patient.given_name,
                Encounter.nurse,
                Encounter.contact_name,
            )
            .join(SurveyResponse, SurveyResponse.id == SurveyAnswer.response_id)
            .join(Patient, Patient.id == SurveyResponse.patient_id)
            .outerjoin(Encounter, Encounter.id == SurveyResponse.encounter_id)
            .where(
                *answer_conditions(selection, versions, facility_id, zone),
                SurveyAnswer.question_code.in_(questions),
            )
            .order_by(SurveyAnswer.answered_at.desc(), SurveyAnswer.id.desc())
            .limit(limit)
        )
        staff = staff_names(session, facility_id)
        found += [
            Written(value, question, department, at, frozenset(filter(None, names)), staff)
            for value, question, department, at, *names in session.execute(statement)
            if isinstance(value, str)
        ]
    return sorted(found, key=lambda each: each.answered_at, reverse=True)[:limit]


def word_lists(session: Session, facility_id: int) -> dict[str, str]:
    """The lists that the hospital has changed, by tag."""
    rows = session.execute(select(WordList.tag, WordList.words).where(WordList.facility_id == facility_id))
    return {tag: words for tag, words in rows}  # noqa: C416 - rows are no tuples for the type checker
