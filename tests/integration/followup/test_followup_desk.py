"""Giving tasks to others, stand-ins, and the time in which a first call is the attending physician's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from hcrm.accounts.domain import Action, Actor, Language, MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.followup.domain.desk import Absence, Keeping, kept_until
from hcrm.followup.domain.worklist import WorkFilters
from hcrm.followup.models import ClinicianAccountRow, TaskRow
from hcrm.followup.queries import day_of, loads, next_task_id, work_list
from hcrm.followup.queries.desk import desk_of
from hcrm.followup.service import NotAColleague, add_absence, assign_tasks, name_doctors, open_task, remove_absence
from hcrm.organization.models import Clinician
from hcrm.organization.queries import facility as facility_snapshot
from tests.conftest import PASSWORD
from tests.factories_followup import discharge, discharged, install_content, tasks_of

pytestmark = pytest.mark.database


@pytest.fixture
def people(session, facility, departments, now):
    """Actors by user name: two nurses and two physicians of MED, their head, a nurse of SUR."""
    roles = {
        "grace": (Role.NURSE, "MED"),
        "ann": (Role.NURSE, "MED"),
        "wang": (Role.PHYSICIAN, "MED"),
        "li": (Role.PHYSICIAN, "MED"),
        "head": (Role.DEPARTMENT_HEAD, "MED"),
        "sur": (Role.NURSE, "SUR"),
    }
    found = {}
    for username, (role, ward) in roles.items():
        member = MembershipSnapshot(facility, role, departments[ward])
        user_id = create_user(
            session, username=username, password=PASSWORD, display_name=username, language="en",
            memberships=[member], now=now,
        )  # fmt: skip
        found[username] = Actor(user_id, username, username, Language.EN, (member,))
    return found


def listed(session, actor, facility, now, **filters):
    day = day_of(facility_snapshot(session, facility), now)
    return {each.task.step_code for each in work_list(session, actor, WorkFilters(**filters), day)}


def test_a_first_call_is_the_attending_physicians_until_its_time_is_over(session, facility, people, now):
    install_content(session, now)
    discharge(session, facility, discharged(), now=now)
    task = tasks_of(session)["clinical_call"]
    if task.clinician_id is None:
        clinician = Clinician(facility_id=facility, code="D1", name="Dr Wang")
        session.add(clinician)
        session.flush()
        task.clinician_id = clinician.id
    assert "clinical_call" in listed(session, people["grace"], facility, now)
    accounts = {task.clinician_id: people["wang"].user_id}
    name_doctors(session, facility_id=facility, accounts=accounts, actor=people["head"], now=now)
    desk = desk_of(session, people["grace"], now)
    until = kept_until(Keeping(task.performer_role, task.clinician_id, task.window_starts_at), desk.present, desk.wait)
    for moment in (now, until - timedelta(minutes=1), until, until + timedelta(minutes=1)):
        kept = moment < until
        assert ("clinical_call" in listed(session, people["grace"], facility, moment)) is not kept
        assert ("clinical_call" in listed(session, people["li"], facility, moment)) is not kept
        assert "clinical_call" in listed(session, people["wang"], facility, moment, mine=True)
        assert "clinical_call" in listed(session, people["head"], facility, moment)
    day = now.date()
    absence = Absence(people["wang"].user_id, day, day, people["li"].user_id)
    add_absence(session, facility_id=facility, absence=absence, actor=people["head"], now=now)
    assert "clinical_call" in listed(session, people["li"], facility, now, mine=True)
    assert "clinical_call" not in listed(session, people["grace"], facility, now)
    both = Absence(people["li"].user_id, day, day)
    add_absence(session, facility_id=facility, absence=both, actor=people["head"], now=now)
    assert "clinical_call" in listed(session, people["grace"], facility, now)
    name_doctors(session, facility_id=facility, accounts={task.clinician_id: None}, actor=people["head"], now=now)
    assert session.query(ClinicianAccountRow).count() == 0


def test_tasks_are_given_to_those_who_may_have_them_and_to_their_stand_ins(session, facility, people, now):
    install_content(session, now)
    discharge(session, facility, discharged(), discharged("M2", "V2", full_name="李强"), now=now)
    calls = [each.id for each in tasks_of_all(session) if each.step_code == "clinical_call"]
    give = {"actor": people["head"], "action": Action.ASSIGN_TASKS, "now": now}
    with pytest.raises(NotAColleague):
        assign_tasks(session, task_ids=calls, to_user_id=people["sur"].user_id, **give)
    everything = [each.id for each in tasks_of_all(session)]
    assert assign_tasks(session, task_ids=everything, to_user_id=people["grace"].user_id, **give) == 2
    day = day_of(facility_snapshot(session, facility), now)
    assert {each.user_id: each.open for each in loads(session, people["head"], day)}[people["grace"].user_id] == 2
    assert listed(session, people["ann"], facility, now, mine=True) == set()
    absence = Absence(people["grace"].user_id, now.date(), now.date(), people["ann"].user_id)
    add_absence(session, facility_id=facility, absence=absence, actor=people["head"], now=now)
    assert listed(session, people["ann"], facility, now, mine=True) == {"clinical_call"}
    open_task(session, task_id=calls[0], user_id=people["grace"].user_id)
    assert assign_tasks(session, task_ids=calls, to_user_id=people["ann"].user_id, **give) == 1
    assert next_task_id(session, people["ann"], day, after_task_id=0) == calls[1]


def tasks_of_all(session):
    return session.scalars(select(TaskRow).order_by(TaskRow.id)).all()


def test_only_who_gives_out_tasks_to_somebody_takes_their_absence_out(session, facility, departments, people, now):
    member = MembershipSnapshot(facility, Role.DEPARTMENT_HEAD, departments["SUR"])
    other = Actor(people["sur"].user_id, "other", "other", Language.EN, (member,))
    absence = Absence(people["grace"].user_id, now.date(), now.date(), None)
    absence_id = add_absence(session, facility_id=facility, absence=absence, actor=people["head"], now=now)
    about = {"facility_id": facility, "absence_id": absence_id, "now": now}
    assert not remove_absence(session, actor=other, **about)
    assert remove_absence(session, actor=people["head"], **about)
    assert not remove_absence(session, actor=people["head"], **about)
