from __future__ import annotations

import pytest

from hcrm.messaging.domain import revealing_words
from hcrm.messaging.readers import shipped_templates


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Your chemotherapy is on Monday", ("chemotherapy",)),
        ("请按时做化疗，注意糖尿病饮食", ("化疗", "糖尿病")),
        ("Please call us tomorrow", ()),
        ("Your strokes of luck", ("strokes",)),
        ("", ()),
    ],
)
def test_words_that_reveal_are_found_in_both_languages(text, words):
    assert revealing_words(text) == words


def test_names_are_found():
    assert revealing_words("王小明您好", ("王小明",)) == ("王小明",)


@pytest.mark.parametrize("template", shipped_templates(), ids=lambda each: f"{each.code}-{each.language}")
def test_no_shipped_text_reveals_anything(template):
    assert revealing_words(template.body) == ()
