"""A patient with a stay and an invitation to a survey, as survey's tests need them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from hcrm.ids import patient_token
from hcrm.patients.domain import Language
from hcrm.survey import service
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_messaging import MessagingFactory


@dataclass(slots=True)
class SurveyFactory:
    """Makes rows in ``session`` at the business time ``now``."""

    session: Session
    now: datetime
    facility_id: int
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def response(self, code: str = "SAT_IP", *, days: int = 7, task_id: int | None = None, **patient: Any) -> int:
        """A response that stays open for ``days``; the patient is an adult who reads English unless said otherwise."""
        service.install_default_questionnaires(self.session, self.now)
        rows = MessagingFactory(self.session, self.now, self.facility_id)
        patient_id = rows.patient(**({"language": Language.ENGLISH} | patient))
        encounter_id = rows.stay(patient_id, visit_number=f"survey-{next(self._numbers)}-{patient_id}")
        return service.ensure_response(
            self.session,
            facility_id=self.facility_id,
            questionnaire_code=code,
            patient_id=patient_id,
            encounter_id=encounter_id,
            task_id=task_id,
            department_id=None,
            expires_at=self.now + timedelta(days=days),
            now=self.now,
        )


def invite(runtime: Runtime, facility_id: int, code: str = "SAT_IP", **values: Any) -> tuple[int, str]:
    """A committed response and the path of its pages."""
    with unit_of_work(runtime.sessions) as session:
        response_id = SurveyFactory(session, runtime.clock.now(), facility_id).response(code, **values)
    return response_id, f"/s/{patient_token(runtime.settings.secret_key, 'survey', response_id)}"


BORN = {"year": "1986", "month": "1", "day": "1"}
"""The birth date of a patient as the page asks for it."""
A_CHILD = {"birth_date": date(2020, 1, 1)}
