from __future__ import annotations

import pytest

from hcrm.messaging.domain import (
    LANGUAGES,
    PLACEHOLDERS,
    Encoding,
    MissingTemplateData,
    Purpose,
    closest_language,
    measure,
    placeholders,
    render,
)
from hcrm.messaging.forms.wording import TEXT_NAMES
from hcrm.messaging.readers import ShippedTemplate, shipped_templates

LARGEST = {
    "en": {"hospital": "A" * 20, "phone": "1" * 13, "emergency": "9" * 3, "link": "h" * 28, "when": "W" * 16,
           "place": "P" * 18, "by": "B" * 10, "alert": "1" * 8, "time": "1" * 5, "ward_phone": "1" * 13,
           "text": "T" * 100},
    "zh_Hans": {"hospital": "医" * 7, "phone": "1" * 13, "emergency": "9" * 3, "link": "h" * 28, "when": "时" * 14,
                "place": "楼" * 7, "by": "日" * 6, "alert": "1" * 8, "time": "1" * 5, "ward_phone": "1" * 13,
                "text": "文" * 50},
}  # fmt: skip
SHIPPED = shipped_templates()
HALF_WIDTH = set(",?:;!()")


@pytest.mark.parametrize("template", SHIPPED, ids=lambda each: f"{each.code}-{each.language}")
def test_every_shipped_text_fits_one_segment_with_the_largest_values(template: ShippedTemplate):
    length = measure(render(template.body, LARGEST[template.language], template.language).body)
    assert length.segments == 1
    if template.language == "en":
        assert length.encoding is Encoding.GSM7
        assert length.units <= 160
    else:
        assert length.units <= 70


@pytest.mark.parametrize("template", SHIPPED, ids=lambda each: f"{each.code}-{each.language}")
def test_every_shipped_text_uses_known_placeholders_only(template: ShippedTemplate):
    assert placeholders(template.body) <= PLACEHOLDERS
    assert template.body.replace("{", "").count("}") == len(
        [name for name in template.body.split("{")[1:] if "}" in name]
    )


@pytest.mark.parametrize("template", SHIPPED, ids=lambda each: f"{each.code}-{each.language}")
def test_chinese_texts_use_full_width_punctuation_and_are_signed(template: ShippedTemplate):
    if template.language == "zh_Hans":
        assert not HALF_WIDTH & set(template.body)
        assert template.body.startswith("【{hospital}】")


def test_english_texts_name_the_hospital_first_and_never_invite_the_word_cancel():
    for template in SHIPPED:
        if template.language == "en":
            assert template.body.startswith("{hospital}: ") or template.code.startswith("q_")
            assert "cancel" not in template.body.lower()


def test_care_and_survey_openings_say_how_to_stop():
    for template in SHIPPED:
        opening = template.code in {"welcome", "call_notice", "missed_call", "appt_reminder"} or (
            template.code.startswith(("survey_invite", "survey_reminder"))
        )
        if opening:
            assert ("STOP to opt out" if template.language == "en" else "退订回T") in template.body


def test_every_text_exists_in_every_language_with_the_same_placeholders_but_the_name():
    by_code: dict[str, dict[str, ShippedTemplate]] = {}
    for template in SHIPPED:
        by_code.setdefault(template.code, {})[template.language] = template
    for texts in by_code.values():
        assert set(texts) == set(LANGUAGES)
        english, chinese = (placeholders(texts[language].body) - {"hospital"} for language in LANGUAGES)
        assert english == chinese


def test_the_kept_copy_masks_the_link():
    rendered = render("{hospital}: {link}", {"hospital": "H", "link": "https://x/s/secret"}, "en")
    assert rendered.body == "H: https://x/s/secret"
    assert rendered.kept == "H: [link]"


def test_a_value_may_differ_by_language():
    values = {"by": {"en": "Mon 3 Mar", "zh_Hans": "3月3日"}}
    assert render("{by}", values, "zh_Hans").body == "3月3日"
    assert render("{by}", values, "en").body == "Mon 3 Mar"


def test_a_missing_or_empty_value_is_named():
    with pytest.raises(MissingTemplateData) as problem:
        render("{hospital} {phone} {link}", {"hospital": "H", "phone": " "}, "en")
    assert problem.value.args == ("link", "phone")


def test_values_are_not_read_as_placeholders():
    assert render("{hospital}", {"hospital": "{phone}"}, "en").body == "{phone}"


@pytest.mark.parametrize(("text", "expected"), [("【{hospital}】好", "好"), ("{hospital}: Hello", "Hello")])
def test_the_signature_is_left_out_where_the_carrier_adds_it(text, expected):
    rendered = render(text, {"hospital": "Hospital"}, "en", drop_signature=True)
    assert rendered.body == expected
    assert rendered.whole == text.replace("{hospital}", "Hospital"), "it is counted all the same"


@pytest.mark.parametrize(
    ("tag", "ours"), [("zh-CN", "zh_Hans"), ("zh_Hans", "zh_Hans"), ("zh", "zh_Hans"), ("en-GB", "en"), ("fr", "en")]
)
def test_language_tags_map_to_ours(tag, ours):
    assert closest_language(tag) == ours


def test_kinds_are_purposes():
    assert {template.kind for template in SHIPPED} == set(Purpose)


def test_every_shipped_text_has_a_name_that_people_understand():
    assert {template.code for template in shipped_templates()} - set(TEXT_NAMES) == set()
