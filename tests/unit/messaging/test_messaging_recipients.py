from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hcrm.messaging.domain import Reason, choose_recipient
from hcrm.patients.domain import ContactSnapshot, LineType, OwnerKind

AT = datetime(2026, 3, 1, tzinfo=UTC)
OWN = ContactSnapshot(
    id=1, facility_id=1, patient_id=1, number="+8613800000001", raw="", line_type=LineType.MOBILE,
    owner_kind=OwnerKind.PATIENT, owner_name="", relationship="", may_discuss_health=True, rank=5,
    verified_on=None, valid_from=AT, retired_at=None, retired_reason=None,
)  # fmt: skip
RELATIVE = replace(OWN, id=2, number="+8613800000002", owner_kind=OwnerKind.RELATIVE, relationship="daughter", rank=0)
STRANGER = replace(RELATIVE, id=3, may_discuss_health=False)
LANDLINE = replace(OWN, id=4, number="+862012345678", line_type=LineType.LANDLINE, rank=0)
UNSURE = replace(OWN, id=5, line_type=LineType.UNKNOWN, rank=0)
BROKEN = replace(OWN, id=6, number=None)


def chosen(*contacts, age=40, sensitive=False):
    return choose_recipient(contacts, age=age, sensitive=sensitive)


def test_the_own_mobile_comes_first_whatever_the_rank():
    assert chosen(RELATIVE, UNSURE, LANDLINE, OWN).contact_point_id == OWN.id


def test_rank_decides_among_own_mobiles():
    assert chosen(OWN, replace(OWN, id=9, rank=1)).contact_point_id == 9


def test_a_number_of_unknown_type_is_tried_before_a_relative():
    assert chosen(RELATIVE, UNSURE).contact_point_id == UNSURE.id


def test_a_relative_is_written_to_only_when_health_may_be_discussed():
    assert chosen(RELATIVE).contact_point_id == RELATIVE.id
    assert chosen(STRANGER).reason is Reason.INVALID_NUMBER


def test_a_landline_takes_no_text():
    assert chosen(LANDLINE).reason is Reason.LANDLINE
    assert chosen(LANDLINE, RELATIVE).contact_point_id == RELATIVE.id


@pytest.mark.parametrize("contacts", [(), (BROKEN,), (replace(OWN, retired_at=AT),)])
def test_without_a_valid_number_there_is_nobody(contacts):
    assert chosen(*contacts).reason is Reason.INVALID_NUMBER


def test_a_child_is_reached_through_a_parent_only():
    assert chosen(OWN, STRANGER, age=13).contact_point_id == STRANGER.id
    assert chosen(OWN, age=13).fact == "no_parent_number"
    assert chosen(OWN, STRANGER, age=14).contact_point_id == OWN.id
    assert chosen(OWN, age=None).contact_point_id == OWN.id


def test_after_a_sensitive_stay_only_the_own_number_is_used():
    assert chosen(OWN, RELATIVE, sensitive=True).contact_point_id == OWN.id
    assert chosen(RELATIVE, sensitive=True).reason is Reason.INVALID_NUMBER
    assert chosen(OWN, RELATIVE, sensitive=True, age=10).reason is Reason.INVALID_NUMBER
