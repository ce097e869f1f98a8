"""What is known of indexes beside their stays: birth, sex, risk, and what the follow-up came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, any_, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries import figures
from hcrm.patients.domain import Sex
from hcrm.patients.models import Encounter, Patient
from hcrm.reporting.domain.groups import NOT_REACHED, REACHED


@dataclass(frozen=True, slots=True)
class Known:
    """What the case-mix model wants to know; None where it was not recorded."""

    born_on: date | None
    sex: Sex
    lace: int | None


def births(session: Session, patients: Iterable[int]) -> dict[int, date | None]:
    """Birth dates by record."""
    rows = session.execute(select(Patient.id, Patient.birth_date).where(Patient.id == _any_of(patients)))
    return {patient: born_on for patient, born_on in rows}  # noqa: C416 - rows are no tuples for the type checker


def known(session: Session, encounters: Iterable[int]) -> dict[int, Known]:
    """Birth, sex and LACE of stays; the index is the one the plan was chosen by."""
    wanted = _any_of(encounters)
    lace = select(EnrolmentRow.encounter_id, func.max(EnrolmentRow.risk_score).label("lace")).where(
        EnrolmentRow.encounter_id == wanted
    )
    scores = lace.group_by(EnrolmentRow.encounter_id).subquery()
    statement = (
        select(Encounter.id, Patient.birth_date, Patient.sex, scores.c.lace)
        .join(Patient, Patient.id == Encounter.patient_id)
        .outerjoin(scores, scores.c.encounter_id == Encounter.id)
        .where(Encounter.id == wanted)
    )
    return {key: Known(born_on, sex, lace) for key, born_on, sex, lace in session.execute(statement)}


def followed(session: Session, encounters: Iterable[int]) -> dict[int, str]:
    """Whether somebody reached the patient after a stay; stays without a call or visit are missing."""
    reached = func.bool_or(figures.reached())
    statement = (
        select(TaskRow.encounter_id, reached)
        .where(TaskRow.encounter_id == _any_of(encounters), figures.by_people())
        .group_by(TaskRow.encounter_id)
    )
    return {key: REACHED if yes else NOT_REACHED for key, yes in session.execute(statement)}


def _any_of(ids: Iterable[int]) -> Any:
    """As one array: they can be many."""
    return any_(cast(sorted(set(ids)), ARRAY(BigInteger)))
