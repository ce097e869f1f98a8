from __future__ import annotations

import pytest

from hcrm.messaging.domain import Keyword, keyword

STOPS = "stop stopall unsubscribe cancel end quit revoke optout t td tt 退订 停止 退订回t".split()  # noqa: SIM905


@pytest.mark.parametrize(
    "word", [*STOPS, "opt out", "STOP", " Stop. ", "ＳＴＯＰ", "Ｔ", "退订回T", "退订。", "opt  OUT"]
)
def test_stop_words_stop_in_any_width_and_case(word):
    assert keyword(word, stopped=False) is Keyword.STOP


@pytest.mark.parametrize(
    "word", ["取消", "stop it please", "I want to stop", "tt2", "", "   ", "5", "停", "stops", "tea"]
)
def test_other_words_do_not_stop(word):
    assert keyword(word, stopped=False) is None
    assert keyword(word, stopped=True) is None


@pytest.mark.parametrize("word", ["start", "UNSTOP", "恢复", " 恢复 ", "“恢复”"])
def test_start_words_start_whether_stopped_or_not(word):
    assert keyword(word, stopped=True) is Keyword.START
    assert keyword(word, stopped=False) is Keyword.START


def test_yes_starts_only_where_texts_were_stopped():
    assert keyword("Yes", stopped=True) is Keyword.START
    assert keyword("Yes", stopped=False) is None


@pytest.mark.parametrize("word", ["help", "INFO", "帮助", "ｈｅｌｐ"])
def test_help_words_ask_for_help(word):
    assert keyword(word, stopped=False) is Keyword.HELP


@pytest.mark.parametrize("word", ["cancel", "end", "yes", "Cancel."])
def test_words_meant_for_a_waiting_appointment_are_left_to_it(word):
    assert keyword(word, stopped=False, appointment_waiting=True) is None


@pytest.mark.parametrize("word", ["stop", "quit", "t", "退订", "unsubscribe"])
def test_other_stop_words_stop_also_while_an_appointment_waits(word):
    assert keyword(word, stopped=False, appointment_waiting=True) is Keyword.STOP
