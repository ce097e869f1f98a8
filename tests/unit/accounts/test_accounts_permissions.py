"""The one access decision."""

from __future__ import annotations

import pytest

from hcrm.accounts.domain import ACTIONS, Action, Actor, Language, MembershipSnapshot, Role, permitted, scope_of

HERE, THERE = 1, 2
MEDICINE, SURGERY = 11, 12


def actor(*memberships: MembershipSnapshot) -> Actor:
    return Actor(7, "somebody", "Somebody", Language.EN, memberships)


def test_nurse_sees_patients_who_touched_one_of_her_departments() -> None:
    nurse = actor(MembershipSnapshot(HERE, Role.NURSE, MEDICINE))

    assert permitted(nurse, Action.VIEW_PATIENT, HERE, [SURGERY, MEDICINE])
    assert not permitted(nurse, Action.VIEW_PATIENT, HERE, [SURGERY])


def test_nurse_of_several_departments_sees_all_of_them() -> None:
    nurse = actor(MembershipSnapshot(HERE, Role.NURSE, MEDICINE), MembershipSnapshot(HERE, Role.NURSE, SURGERY))

    assert scope_of(nurse, Action.VIEW_PATIENT).departments == {HERE: frozenset({MEDICINE, SURGERY})}


def test_patient_without_any_department_is_seen_only_by_those_who_see_all() -> None:
    nurse = actor(MembershipSnapshot(HERE, Role.NURSE, MEDICINE))
    agent = actor(MembershipSnapshot(HERE, Role.SERVICE_AGENT))

    assert not permitted(nurse, Action.VIEW_PATIENT, HERE, [])
    assert permitted(agent, Action.VIEW_PATIENT, HERE, [])


def test_membership_of_all_departments_outranks_one_of_a_single_department() -> None:
    both = actor(MembershipSnapshot(HERE, Role.NURSE, MEDICINE), MembershipSnapshot(HERE, Role.SERVICE_AGENT))

    assert scope_of(both, Action.VIEW_PATIENT).departments == {HERE: None}


def test_role_in_one_facility_opens_nothing_in_another() -> None:
    agent = actor(MembershipSnapshot(HERE, Role.SERVICE_AGENT))

    assert not permitted(agent, Action.VIEW_PATIENT, THERE, [MEDICINE])
    assert not permitted(agent, Action.VIEW_PATIENT, THERE)


def test_role_does_not_lend_its_place_to_another_role() -> None:
    """A nurse of medicine who is an administrator of the hospital does not see all its patients."""
    mixed = actor(MembershipSnapshot(HERE, Role.NURSE, MEDICINE), MembershipSnapshot(HERE, Role.ADMINISTRATOR))

    assert not permitted(mixed, Action.VIEW_PATIENT, HERE, [SURGERY])


def test_group_administrator_sees_each_facility_of_their_memberships() -> None:
    group = actor(
        MembershipSnapshot(HERE, Role.GROUP_ADMINISTRATOR), MembershipSnapshot(THERE, Role.GROUP_ADMINISTRATOR)
    )

    assert scope_of(group, Action.VIEW_FIGURES).facility_ids == {HERE, THERE}


def test_person_without_membership_may_use_the_own_account_only() -> None:
    nobody = actor()

    assert [action for action in Action if permitted(nobody, action)] == [Action.USE_ACCOUNT]


def test_every_role_has_an_entry() -> None:
    assert set(ACTIONS) == set(Role)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_auditors_and_administrators_change_no_patient(role: Role) -> None:
    assert not ACTIONS[role] & {Action.EDIT_PATIENT, Action.MERGE_PATIENTS, Action.WORK_TASKS, Action.WORK_ALERTS}


def test_only_the_auditor_sees_the_audit() -> None:
    assert [role for role in Role if Action.VIEW_AUDIT in ACTIONS[role]] == [Role.AUDITOR]
