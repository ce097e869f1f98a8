"""What this package adds to a patient's timeline: stays, what was said about contact, changes of the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hcrm.patients.domain import EncounterSnapshot, EncounterStatus, TimelineEntry
from hcrm.patients.models import Consent, ContactPoint, PatientMerge
from hcrm.patients.queries.stays import BED_CLASSES, encounters_of_persons


def timeline(session: Session, patient_ids: Sequence[int]) -> list[TimelineEntry]:
    """Entries about these records, which belong to one person, in no particular order."""
    return [
        *_stays(encounters_of_persons(session, patient_ids)),
        *_consents(session, patient_ids),
        *_retired_numbers(session, patient_ids),
        *_merges(session, patient_ids),
    ]


def _stays(stays: Iterable[EncounterSnapshot]) -> Iterator[TimelineEntry]:
    for stay in stays:
        ended = stay.discharged_at is not None
        if stay.encounter_class in BED_CLASSES and ended and stay.admitted_at is not None:
            yield _stay_entry(stay, "patients.admitted", at_end=False)
        if ended or stay.admitted_at is not None:
            yield _stay_entry(stay, _title(stay), at_end=ended)


def _title(stay: EncounterSnapshot) -> str:
    if stay.status is EncounterStatus.CANCELLED:
        return "patients.cancelled"
    if stay.encounter_class not in BED_CLASSES:
        return "patients.visit"
    return "patients.discharged" if stay.discharged_at is not None else "patients.admitted"


def _stay_entry(stay: EncounterSnapshot, title: str, *, at_end: bool) -> TimelineEntry:
    at = stay.discharged_at if at_end else stay.admitted_at
    assert at is not None  # the callers have looked
    nights = None
    if stay.admitted_on is not None and stay.discharged_on is not None and stay.admitted_at is not None:
        nights = (stay.discharged_on - stay.admitted_on).days
    return TimelineEntry(
        at=at,
        kind="stay",
        title_code=title,
        params={
            "encounter_class": stay.encounter_class.value,
            "disposition": stay.disposition.value,
            "department_id": stay.department_id,
            "department_ids": stay.department_ids,
            "clinician_id": stay.clinician_id,
            "diagnosis": stay.principal_diagnosis,
            "nights": nights,
            "sensitive": stay.sensitive,
            "facility_id": stay.facility_id,
        },
        state=f"patients.{stay.status.value}" if stay.status is not EncounterStatus.FINISHED else "",
        object_kind="encounter",
        object_id=stay.id,
        encounter_id=stay.id,
    )


def _consents(session: Session, patient_ids: Sequence[int]) -> Iterator[TimelineEntry]:
    for row in session.scalars(select(Consent).where(Consent.patient_id.in_(patient_ids))):
        yield TimelineEntry(
            at=row.recorded_at,
            kind="record",
            title_code="patients.consent_given" if row.given else "patients.consent_refused",
            params={
                "purpose": row.purpose.value,
                "channel": row.channel.value,
                "user_id": row.recorded_by,
                "how": row.how,
            },
            object_kind="consent",
            object_id=row.id,
        )


def _retired_numbers(session: Session, patient_ids: Sequence[int]) -> Iterator[TimelineEntry]:
    rows = session.execute(
        select(ContactPoint.id, ContactPoint.retired_at, ContactPoint.retired_reason).where(
            ContactPoint.patient_id.in_(patient_ids), ContactPoint.retired_at.is_not(None)
        )
    )
    for contact_id, retired_at, reason in rows:
        yield TimelineEntry(
            at=retired_at,
            kind="record",
            title_code="patients.number_retired",
            params={"reason": reason.value if reason else ""},
            object_kind="contact_point",
            object_id=contact_id,
        )


def _merges(session: Session, patient_ids: Sequence[int]) -> Iterator[TimelineEntry]:
    rows = session.scalars(
        select(PatientMerge).where(
            or_(PatientMerge.from_patient_id.in_(patient_ids), PatientMerge.into_patient_id.in_(patient_ids))
        )
    )
    for row in rows:
        yield TimelineEntry(
            at=row.merged_at, kind="record", title_code="patients.merged", params={"user_id": row.merged_by}
        )
        if row.undone_at is not None:
            yield TimelineEntry(
                at=row.undone_at, kind="record", title_code="patients.unmerged", params={"user_id": row.undone_by}
            )
