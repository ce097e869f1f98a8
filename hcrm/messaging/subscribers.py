"""What messaging does when something happens elsewhere."""

from __future__ import annotations

from sqlalchemy.orm import Session

from hcrm.events import PatientsDeceased
from hcrm.messaging import service
from hcrm.messaging.domain import Reason


def hold_back_for_deceased(session: Session, event: PatientsDeceased) -> None:
    """A death, also one only reported, ends at once what is queued for the patient."""
    service.withdraw(session, reason=Reason.DECEASED, now=event.now, patient_ids=event.patient_ids)
