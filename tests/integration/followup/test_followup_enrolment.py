from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from hcrm.followup.domain.expansion import is_sampled
from hcrm.followup.domain.plan import PerformerRole, RiskLevel
from hcrm.followup.domain.task import BusinessStatus, EnrolmentStatus, TaskReason, TaskStatus
from hcrm.followup.models import TaskRow, VisitTeamRow
from hcrm.followup.queries.plans import published_plans
from hcrm.followup.readers import shipped_plans
from hcrm.followup.service import enrol_encounters, install_default_plan, undo_cancellation
from hcrm.patients.domain import (
    ConsentChannel,
    ConsentPurpose,
    Disposition,
    EncounterClass,
    Procedure,
    RowKind,
)
from hcrm.patients.models import Encounter
from hcrm.patients.queries import addresses_of
from hcrm.patients.service import record_consent, report_deceased, withdraw_deceased
from tests.factories_followup import (
    DISCHARGED_AT,
    discharge,
    discharged,
    enrolments,
    install_content,
    tasks_of,
)

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def content(session, now):
    install_content(session, now)


def test_a_discharge_gets_the_dated_steps_of_the_plan(session, facility, now):
    discharge(session, facility, discharged(), now=now)

    tasks = tasks_of(session)
    assert {"welcome", "clinical_call", "survey", "survey_phone"} <= set(tasks)
    assert "high_risk_call" not in tasks
    call = tasks["clinical_call"]
    assert call.window_starts_at == datetime(2026, 3, 10, 0, 0, tzinfo=UTC)
    assert call.target_at == datetime(2026, 3, 12, 2, 0, tzinfo=UTC)
    assert (call.due_on, call.due_at) == (date(2026, 3, 16), datetime(2026, 3, 16, 12, 0, tzinfo=UTC))
    assert call.performer_role is PerformerRole.PHYSICIAN
    assert call.questionnaire_code == "CLIN_GEN"
    assert tasks["survey"].questionnaire_code == "SAT_IP"
    assert tasks["survey_phone"].after_step_code == "survey"


def test_importing_the_same_record_again_enrols_nobody_twice(session, facility, now):
    for _ in range(2):
        discharge(session, facility, discharged(), now=now)
    assert len(enrolments(session)) == 1
    assert session.query(TaskRow).count() == len(tasks_of(session))


def test_a_high_risk_patient_is_called_within_two_workdays(session, facility, now):
    row = discharged(
        planned=False,
        admitted_at=DISCHARGED_AT - timedelta(days=8),
        diagnoses=("I50.9", "C34.1"),
        clinician_code=None,
        clinician_name=None,
    )
    discharge(session, facility, row, now=now)
    tasks = tasks_of(session)
    assert "clinical_call" not in tasks
    assert tasks["high_risk_call"].risk is RiskLevel.HIGH
    assert tasks["high_risk_call"].due_on == date(2026, 3, 11)
    assert tasks["high_risk_call"].performer_role is PerformerRole.NURSE


def test_after_surgery_the_questions_are_those_after_surgery(session, facility, now):
    discharge(session, facility, discharged(procedures=(Procedure("51.23", "Keyhole"),)), now=now)
    tasks = tasks_of(session)
    assert tasks["surgery_call"].questionnaire_code == tasks["week_call"].questionnaire_code == "CLIN_SURG"


@pytest.mark.parametrize(
    "changes",
    [
        {"disposition": Disposition.EXPIRED},
        {"disposition": Disposition.HOSPICE},
        {"encounter_class": EncounterClass.AMBULATORY},
        {"discharged_at": None},
        {"post_acute": True},
    ],
)
def test_who_is_not_followed_up_gets_no_plan(session, facility, now, changes):
    discharge(session, facility, discharged(**changes), now=now)
    assert not enrolments(session)


def test_emergency_sent_home_gets_the_small_plan(session, facility, now):
    discharge(session, facility, discharged(encounter_class=EncounterClass.EMERGENCY), now=now)
    assert set(tasks_of(session)) == {"emergency_survey", "emergency_call"}


def test_a_late_import_creates_tasks_whose_window_is_over(session, facility, now):
    discharge(
        session,
        facility,
        discharged(discharged_at=now - timedelta(days=90), admitted_at=now - timedelta(days=93)),
        now=now,
    )
    call = tasks_of(session)["clinical_call"]
    assert call.status is TaskStatus.OPEN
    assert call.due_at < now


def test_a_sampled_step_goes_to_those_whom_the_domain_samples(session, facility, now):
    rows = [discharged(f"M{n}", f"V{n}", full_name=f"P{n}") for n in range(300)]
    discharge(session, facility, *rows, now=now)
    plan = next(each for each in published_plans(session, facility) if each.plan.code == "three_level")
    step = plan.plan.step("home_visit")
    expected = {each.encounter_id for each in enrolments(session) if is_sampled(step, plan.label, each.encounter_id)}
    visited = {task.encounter_id for task in session.query(TaskRow).filter_by(step_code="home_visit")}
    assert visited == expected
    assert 0 < len(visited) < 60


def test_home_visits_are_drawn_only_where_the_teams_go(session, facility, now):
    session.add(VisitTeamRow(facility_id=facility, name="East", districts=["浦东"], per_day=4, active=True))
    rows = [
        discharged(f"M{n}", f"V{n}", full_name=f"P{n}", address="上海市浦东新区" if n % 2 else "杭州市")
        for n in range(300)
    ]
    discharge(session, facility, *rows, now=now)
    plan = next(each for each in published_plans(session, facility) if each.plan.code == "three_level")
    step = plan.plan.step("home_visit")
    drawn = {each.encounter_id: each.patient_id for each in enrolments(session)}
    drawn = {stay: who for stay, who in drawn.items() if is_sampled(step, plan.label, stay)}
    addresses = addresses_of(session, drawn.values())
    visited = {task.encounter_id for task in session.query(TaskRow).filter_by(step_code="home_visit")}
    assert visited == {stay for stay, who in drawn.items() if "浦东" in addresses[who]}
    assert 0 < len(visited) < len(drawn)
    other_steps = session.query(TaskRow).filter_by(step_code="clinical_call").count()
    assert other_steps == 300


def test_a_corrected_day_of_discharge_moves_what_is_not_begun(session, facility, now):
    discharge(session, facility, discharged(), now=now)
    later = discharged(discharged_at=DISCHARGED_AT + timedelta(days=1), event_at=now)
    discharge(session, facility, later, now=now, stated_at=now)
    tasks = tasks_of(session)
    assert tasks["clinical_call"].due_on == date(2026, 3, 17)
    assert tasks["clinical_call"].discharged_on == date(2026, 3, 10)
    assert enrolments(session)[0].discharged_on == date(2026, 3, 10)


def test_a_correction_touches_only_the_rows_of_its_own_patient(session, facility, now):
    discharge(session, facility, discharged(), *(discharged(f"M{n}", f"V{n}") for n in range(2, 6)), now=now)
    before = _places_of_rows(session)
    later = discharged(discharged_at=DISCHARGED_AT + timedelta(days=1), event_at=now)
    discharge(session, facility, later, now=now, stated_at=now)
    after = _places_of_rows(session)
    (corrected,) = session.scalars(select(Encounter.patient_id).where(Encounter.visit_number == "V1"))
    moved = {(table, patient_id) for table, patient_id, place in after - before}
    assert moved == {("encounter", corrected), ("enrolment", corrected), ("task", corrected)}


def _places_of_rows(session):
    """Where the rows of all patients lie: a row that is written again, even with the same values, moves."""
    return {
        (table, *row)
        for table in ("encounter", "enrolment", "task")
        for row in session.execute(text(f"SELECT patient_id, ctid::text FROM {table}"))
    }


def test_a_cancelled_visit_was_entered_in_error(session, facility, now):
    discharge(session, facility, discharged(event_at=DISCHARGED_AT), now=now)
    discharge(session, facility, discharged(kind=RowKind.CANCEL, event_at=now), now=now)
    assert {task.status for task in tasks_of(session).values()} == {TaskStatus.ENTERED_IN_ERROR}
    assert enrolments(session)[0].status is EnrolmentStatus.CANCELLED


def test_admitted_again_cancels_what_was_still_open(session, facility, now):
    discharge(session, facility, discharged(), now=now)
    back = discharged(visit_number="V2", admitted_at=now, discharged_at=None, disposition=None)
    discharge(session, facility, back, now=now)
    tasks = tasks_of(session)
    assert {task.reason for task in tasks.values()} == {TaskReason.READMITTED}
    assert {task.ended_at for task in tasks.values()} == {now}

    reopened = undo_cancellation(session, task_ids=[tasks["clinical_call"].id], now=now)
    assert reopened == [tasks["clinical_call"].id]
    discharge(session, facility, back._replace(event_at=now + timedelta(hours=1), nurse="N"), now=now)
    assert tasks_of(session)["clinical_call"].status is TaskStatus.OPEN


def test_what_was_missed_before_the_readmission_stays_missed(session, facility, now):
    first = discharged(discharged_at=now - timedelta(days=20), admitted_at=now - timedelta(days=22))
    again = discharged(visit_number="V2", admitted_at=now - timedelta(days=8), discharged_at=now - timedelta(days=1))
    discharge(session, facility, again, first, now=now)
    tasks = tasks_of(session, encounter_id=enrolments(session)[0].encounter_id)
    old = {
        task.step_code: task
        for task in session.query(TaskRow).filter(TaskRow.discharged_on == (now - timedelta(days=20)).date())
    }
    missed = old["clinical_call"]
    assert (missed.status, missed.business_status) == (TaskStatus.FAILED, BusinessStatus.MISSED_WINDOW)
    assert old["survey_phone"].reason is TaskReason.READMITTED
    assert tasks


def test_a_reported_death_holds_everything_until_it_is_withdrawn(session, facility, now):
    discharge(session, facility, discharged(), now=now)
    patient_id = enrolments(session)[0].patient_id
    report_deceased(session, patient_id=patient_id, confirmed=False, now=now, actor_user_id=None)
    assert {task.status for task in tasks_of(session).values()} == {TaskStatus.ON_HOLD}
    withdraw_deceased(session, patient_id=patient_id, now=now, actor_user_id=None)
    assert {task.status for task in tasks_of(session).values()} == {TaskStatus.OPEN}


def test_a_confirmed_death_cancels_everything(session, facility, now):
    discharge(session, facility, discharged(), now=now)
    report_deceased(session, patient_id=enrolments(session)[0].patient_id, confirmed=True, now=now, actor_user_id=None)
    assert {(task.status, task.reason) for task in tasks_of(session).values()} == {
        (TaskStatus.CANCELLED, TaskReason.DECEASED)
    }


def test_refused_surveys_by_phone_are_left_out_at_enrolment(session, facility, now):
    discharge(session, facility, discharged(discharged_at=None, disposition=None), now=now)
    from hcrm.patients.models import Patient  # noqa: PLC0415  # only to find the patient without a stay that ended

    patient_id = session.query(Patient.id).scalar()
    record_consent(
        session,
        patient_id=patient_id,
        purpose=ConsentPurpose.SURVEY,
        channel=ConsentChannel.PHONE,
        given=False,
        how="paper",
        now=now,
        actor_user_id=None,
    )
    discharge(session, facility, discharged(event_at=now), now=now)
    tasks = tasks_of(session)
    assert tasks["survey_phone"].reason is TaskReason.OPTED_OUT
    assert tasks["survey"].status is TaskStatus.OPEN
    assert tasks["clinical_call"].status is TaskStatus.OPEN


def test_a_corrected_disposition_ends_the_plan(session, facility, now):
    discharge(session, facility, discharged(), now=now)
    discharge(
        session,
        facility,
        discharged(disposition=Disposition.TRANSFER_ACUTE, event_at=now + timedelta(hours=1)),
        now=now,
    )
    assert {task.reason for task in tasks_of(session).values()} == {TaskReason.TRANSFERRED}


def test_a_new_version_is_made_only_when_a_plan_changed(session, now):
    install_default_plan(session, now)
    labels = {plan.label for plan in published_plans(session, 0)}
    assert labels == {f"{shipped.plan.code}:1" for shipped in shipped_plans()}


def test_enrolling_nothing_does_nothing(session, now):
    assert enrol_encounters(session, encounter_ids=[], now=now) == 0
