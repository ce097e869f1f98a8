from __future__ import annotations

import pytest

from hcrm.messaging.domain import DUE_STATES, PROOF, RANKS, IllegalMove, MessageStatus, after_receipt, move

S = MessageStatus


def test_a_late_sent_never_overwrites_delivered():
    assert after_receipt(S.DELIVERED, S.SENT) is S.DELIVERED
    assert after_receipt(S.READ, S.DELIVERED) is S.READ


def test_a_failure_told_before_or_after_delivery_does_not_hide_it():
    assert after_receipt(S.PERMANENT_FAILURE, S.DELIVERED) is S.DELIVERED
    assert after_receipt(S.DELIVERED, S.PERMANENT_FAILURE) is S.DELIVERED


def test_any_evidence_settles_unknown():
    for told in set(RANKS) - {S.SENDING, S.UNKNOWN}:
        assert after_receipt(S.UNKNOWN, told) is told


def test_every_status_has_its_row_in_the_table_of_moves():
    for status in S:
        assert move(status, status) is status


def test_receipts_never_need_a_move_that_the_table_forbids():
    for current in RANKS:
        for told in set(RANKS) - {S.SENDING}:
            move(current, after_receipt(current, told))


@pytest.mark.parametrize("ended", [S.EXPIRED, S.CANCELLED, S.SUPPRESSED])
def test_what_has_ended_moves_only_by_proof_that_it_arrived(ended):
    assert after_receipt(ended, S.ACCEPTED) is ended
    assert after_receipt(ended, S.DELIVERED) is S.DELIVERED
    for wanted in set(S) - {ended, *PROOF}:
        with pytest.raises(IllegalMove):
            move(ended, wanted)


def test_only_a_message_not_handed_over_can_be_withdrawn():
    for status in S:
        if status in DUE_STATES:
            assert move(status, S.CANCELLED) is S.CANCELLED
        elif status is not S.CANCELLED:
            with pytest.raises(IllegalMove):
                move(status, S.CANCELLED)


def test_sending_is_no_receipt():
    with pytest.raises(IllegalMove):
        after_receipt(S.UNKNOWN, S.SENDING)
