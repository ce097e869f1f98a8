"""Drafts: what a file may hold, what keeps a draft from being published and where, and what changed."""

from __future__ import annotations

from typing import Any

import pytest

from hcrm.survey.domain import QuestionKind
from hcrm.survey.domain.changes import Change, ChangeKind, changes
from hcrm.survey.domain.definition import questionnaire_from
from hcrm.survey.domain.drafts import MOST_STORED, NotADraft, full_width, moved, put, removed, tidied
from hcrm.survey.domain.review import MOST_QUESTIONS, Flaw, FlawKind, review
from hcrm.survey.domain.rulebook import condition_text, rows_of
from hcrm.survey.readers import PACKAGED, packaged_definition

SMS_CODES = {
    question["code"] for code in PACKAGED for question in packaged_definition(code)["question"]
} - {"overall"}  # fmt: skip


def asked(code: str, kind: str = "yes_no", **more: Any) -> dict[str, Any]:
    return {"code": code, "kind": kind, "flags": ["core"], "en": f"{code}?", "zh": f"{code}？", **more}


def draft(*questions: dict[str, Any], **more: Any) -> dict[str, Any]:
    text = {"en": "About", "zh": "关于"}
    return tidied(
        {
            "code": "SAT_NEW", "purpose": "satisfaction", "name": text, "intro": text, "about": text,
            "question": list(questions), **more,
        }
    )  # fmt: skip


def kinds(*questions: dict[str, Any], **more: Any) -> list[tuple[FlawKind, int, str]]:
    return [(flaw.kind, flaw.place, flaw.about) for flaw in review(draft(*questions, **more))]


@pytest.mark.parametrize("code", PACKAGED)
def test_every_shipped_questionnaire_is_a_draft_without_flaws(code: str):
    shipped = tidied(packaged_definition(code))
    assert review(shipped, sms_codes=SMS_CODES) == ()
    assert questionnaire_from(shipped) == questionnaire_from(packaged_definition(code))


@pytest.mark.parametrize(
    ("questions", "flaw"),
    [
        ((asked("a", show_if="b = yes"), asked("b", show_if="a = yes")), (FlawKind.LOOP, 1, "a → b → a")),
        ((asked("a", show_if="a = yes"),), (FlawKind.LOOP, 1, "a → a")),
        ((asked("a", show_if="b = yes"), asked("b")), (FlawKind.LOOKS_AHEAD, 1, "b")),
        ((asked("a"), asked("b", show_if="a = yes and a = no")), (FlawKind.UNREACHABLE, 2, "a = yes and a = no")),
        ((asked("a"), asked("b", show_if="a >= 3")), (FlawKind.UNREACHABLE, 2, "a >= 3")),
        ((asked("a", "nps"), asked("b", show_if="a <= 2 and a >= 7")), (FlawKind.UNREACHABLE, 2, "a <= 2 and a >= 7")),
        ((asked("b", show_if="any_scale5 <= 2"),), (FlawKind.UNREACHABLE, 1, "any_scale5 <= 2")),
        ((asked("b", show_if="@age_days <= 3 and @age_days >= 9"),), (FlawKind.UNREACHABLE, 1, None)),
        ((asked("a"), asked("a")), (FlawKind.DUPLICATE_CODE, 2, "a")),
        ((asked("A b"),), (FlawKind.BAD_CODE, 1, "A b")),
        ((asked("a", zh=" "),), (FlawKind.MISSING_LANGUAGE, 1, "zh")),
        ((asked("a", parent={"en": "x"}),), (FlawKind.MISSING_LANGUAGE, 1, "zh")),
        ((asked("a", show_if="nobody = yes"),), (FlawKind.UNKNOWN_SUBJECT, 1, "nobody")),
        ((asked("a"), asked("b", show_if="a = maybe")), (FlawKind.UNKNOWN_ANSWER, 2, "a = maybe")),
        ((asked("a", show_if="is it so"),), (FlawKind.UNREADABLE_RULE, 1, "is it so")),
        ((asked("a", "choice", choices=[]),), (FlawKind.NO_CHOICES, 1, "")),
        ((asked("a", "number", minimum=3, maximum=3),), (FlawKind.BAD_RANGE, 1, "")),
        ((asked("a", flags=["core", "scored"]),), (FlawKind.NOT_SCORABLE, 1, "yes_no")),
        ((asked("a", weight=0.5),), (FlawKind.WEIGHT_WITHOUT_SCORE, 1, "")),
        ((asked("a", module="EXTRA"),), (FlawKind.UNKNOWN_MODULE, 1, "EXTRA")),
        ((asked("a", flags=["core", "sms"]),), (FlawKind.NO_SMS_TEXT, 1, "a")),
        ((asked("a", flags=[]),), (FlawKind.NO_CORE, 0, "")),
        ((), (FlawKind.NO_QUESTIONS, 0, "")),
    ],
)
def test_a_flaw_is_named_with_its_place(questions: tuple[dict[str, Any], ...], flaw: tuple[FlawKind, int, str | None]):
    found = kinds(*questions)
    assert flaw in found or (flaw[2] is None and flaw[:2] in [each[:2] for each in found]), found


def scored(code: str, weight: float | None) -> dict[str, Any]:
    own = {} if weight is None else {"weight": weight}
    return asked(code, "scale5", flags=["core", "scored"], **own)


def test_weights_are_none_or_make_one():
    assert kinds(scored("a", None), scored("b", None)) == []
    assert kinds(scored("a", 0.25), scored("b", 0.75)) == []
    assert kinds(scored("a", 0.5), scored("b", 0.6)) == [(FlawKind.WEIGHTS_DO_NOT_SUM, 1, "1.100")]
    assert kinds(scored("a", 1), scored("b", None)) == [(FlawKind.WEIGHT_MISSING, 2, "")]
    assert (FlawKind.BAD_WEIGHT, 2, "-0.5") in kinds(scored("a", 1), scored("b", -0.5))


def test_two_hundred_questions_are_a_draft_that_cannot_be_published():
    long = draft(*(asked(f"q{number}", show_if=f"q{number - 1} = yes" if number else None) for number in range(200)))
    assert Flaw(FlawKind.TOO_MANY, MOST_QUESTIONS + 1, about="200") in review(long)
    with pytest.raises(NotADraft):
        draft(*(asked(f"q{number}") for number in range(MOST_STORED + 1)))


@pytest.mark.parametrize(
    "data",
    [
        None, [], {}, {"code": "x"}, {"code": "SAT_X", "purpose": "fun"}, {"code": "SAT_X\n", "purpose": "quality"},
        {"code": "SAT_X", "purpose": "quality", "question": {}},
        {"code": "SAT_X", "purpose": "quality", "question": [{"code": "a", "kind": "essay"}]},
        {"code": "SAT_X", "purpose": "quality", "question": [{"code": "a", "kind": "text", "en": 5}]},
        {"code": "SAT_X", "purpose": "quality", "question": [{"code": "a", "kind": "text", "weight": "much"}]},
        {"code": "SAT_X", "purpose": "quality", "question": [{"code": "a", "kind": "text", "en": "x" * 1001}]},
    ],
)  # fmt: skip
def test_what_is_no_questionnaire_is_refused_by_its_place(data: object):
    with pytest.raises(NotADraft):
        tidied(data)


def test_chinese_punctuation_is_put_right():
    assert full_width("您好,请问(本人)吗?是!") == "您好，请问（本人）吗？是！"
    assert full_width("{when},3:00") == "{when},3:00"


def test_questions_are_put_moved_and_removed():
    three = draft(asked("a"), asked("b"), asked("c"))
    codes = [question["code"] for question in moved(three, 3, 1)["question"]]
    assert codes == ["c", "a", "b"]
    assert [question["code"] for question in moved(three, 1, 99)["question"]] == ["b", "c", "a"]
    assert [question["code"] for question in removed(three, 2)["question"]] == ["a", "c"]
    with_text = put(three, asked("d", "scale5", flags=["sms"]))
    assert with_text["sms_form"] == ["d"]
    assert removed(with_text, 4)["sms_form"] == []
    assert QuestionKind(with_text["question"][3]["kind"]) is QuestionKind.SCALE5


def test_changes_name_what_is_new_gone_moved_and_different():
    old = draft(asked("a"), asked("b"), asked("c"), asked("gone"))
    new = draft(asked("c"), asked("a"), asked("b", en="B, really?"), asked("new"))
    found = changes(old, new)
    assert Change(ChangeKind.CHANGED, "b", "en", "b?", "B, really?") in found
    assert Change(ChangeKind.ADDED, "new", after="new?") in found
    assert Change(ChangeKind.REMOVED, "gone", before="gone?") in found
    assert [(each.code, each.before, each.after) for each in found if each.kind is ChangeKind.MOVED] == [
        ("c", "3", "1")
    ]
    assert changes(old, old) == ()


@pytest.mark.parametrize("code", PACKAGED)
def test_every_rule_survives_the_rows_of_a_form(code: str):
    for question in packaged_definition(code)["question"]:
        rules = [question.get("show_if"), *(alert["when"] for alert in question.get("alerts", ()))]
        for rule in filter(None, rules):
            again = condition_text(rows_of(rule))
            assert rows_of(again) == rows_of(rule)
            assert rows_of(rule)
