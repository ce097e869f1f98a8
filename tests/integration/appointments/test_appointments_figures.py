from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from hcrm.accounts.domain import Scope
from hcrm.appointments import queries, service
from hcrm.appointments.domain.figures import VisitFact, visit_figures
from hcrm.appointments.domain.states import CancelReason, Via
from hcrm.appointments.models import Appointment
from hcrm.patients.domain import EncounterClass
from hcrm.patients.models import Patient
from hcrm.reporting.domain.measures import Counted, Measure
from hcrm.reporting.domain.reports import By, Selection
from hcrm.reporting.queries.stays import stays
from hcrm.reporting.queries.tasks import live_discharges
from tests.factories_appointments import DAY, at

ZONE = ZoneInfo("Asia/Shanghai")


def test_figures_by_department_are_those_of_the_pure_function(
    session, clinic, make, patient, now, facility, departments
):
    clinic.publish(slots=8)
    slots = clinic.slots()
    people = [patient() for _ in range(5)]
    for each in people:
        make.stay(
            each, department_id=departments["MED"], discharged_at=now - timedelta(hours=1), discharged_on=now.date()
        )
    early = clinic.book(people[0], slots[0].id, now=now - timedelta(days=3))
    kept, missed, silent, gone = (clinic.book(who, slots[n].id) for n, who in enumerate(people[1:], start=1))
    service.cancel(session, appointment_id=gone, reason=CancelReason.PATIENT, via=Via.STAFF, now=now)
    evening = at(DAY, 20)
    service.fulfil(session, appointment_id=kept, via=Via.STAFF, now=evening)
    service.fulfil(session, appointment_id=early, via=Via.STAFF, now=evening)
    service.miss(session, appointment_id=missed, via=Via.STAFF, now=evening)
    found = queries.visit_figures_by_department(
        session, Scope({facility: None}), from_on=now.date(), to_on=DAY, zone=ZONE, now=evening
    )
    facts = [
        VisitFact(
            departments["MED"],
            due=True,
            kept=each in (kept, early),
            missed=each == missed,
            lead_days=(clinic.row(each).starts_at - clinic.row(each).booked_at) / timedelta(days=1),
        )
        for each in (early, kept, missed, silent)
    ]
    expected = visit_figures(facts, discharged=5, booked_before=1)
    for key in (departments["MED"], None):
        assert found[key].lead_days == pytest.approx(expected.lead_days)
        assert (found[key].discharged, found[key].booked_before) == (5, 1)
        assert (found[key].due, found[key].kept, found[key].missed) == (4, 2, 1)
    other = queries.visit_figures_by_department(
        session,
        Scope({facility: frozenset({departments["SUR"]})}),
        from_on=now.date(),
        to_on=DAY,
        zone=ZONE,
        now=evening,
    )
    assert other[None].due == 0


def test_discharges_are_counted_as_in_the_reports(session, make, patient, now, facility, departments):
    died, elsewhere, home = patient(), patient(), patient()
    ended = {
        "department_id": departments["MED"],
        "discharged_at": now - timedelta(hours=1),
        "discharged_on": now.date(),
    }
    make.stay(home, **ended)
    make.stay(elsewhere, post_acute=True, **ended)
    make.stay(died, **ended)
    session.execute(update(Patient).where(Patient.id == died).values(deceased_on=now.date()))
    found = queries.visit_figures_by_department(
        session, Scope({facility: None}), from_on=now.date(), to_on=now.date(), zone=ZONE, now=now
    )
    reported = live_discharges(session, Selection(now.date(), now.date()), By.DEPARTMENT)
    assert found[departments["MED"]].discharged == reported[departments["MED"]].discharged == 1


def test_a_stay_that_is_a_booked_visit_is_no_revisit_and_a_planned_one_in_a_ward(session, make, clinic, patient, now):
    who = patient()
    index = make.stay(who)
    back = {
        name: make.stay(who, encounter_class=each, admitted_at=now, admitted_on=now.date(), planned=None)
        for name, each in (("observed", EncounterClass.OBSERVATION), ("ward", EncounterClass.INPATIENT))
    }
    classes = frozenset({"IMP", "OBSENC"})
    measure = Measure("any", frozenset({"IMP"}), classes, 30, counted=Counted.FIRST)
    assert {each.id for each in stays(session, Selection(), measure)} == {index, *back.values()}
    clinic.publish(slots=2)
    ids = [clinic.book(who, slot.id) for slot in clinic.slots()]
    for visit, stay in zip(ids, back.values(), strict=True):
        session.execute(update(Appointment).where(Appointment.id == visit).values(visit_encounter_id=stay))
    found = {each.id: each for each in stays(session, Selection(), measure)}
    assert set(found) == {index, back["ward"]}
    assert found[back["ward"]].planned is True
