"""What a wording must have and must not: placeholders, a signature, a way out, no words that tell why one was ill."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hcrm.messaging.domain.requests import TemplateValue
from hcrm.messaging.domain.segments import measure
from hcrm.messaging.domain.templates import placeholders, render

REVEALING_ENGLISH = (
    "abort", "aids", "alcohol", "biops", "cancer", "cardiac", "cardiology", "chemo", "clinic for", "dementia",
    "depress", "diabet", "dialysis", "drug", "epilep", "gyn", "hepatitis", "hiv", "infect", "insulin", "leuk",
    "lymphoma", "maternity", "miscarr", "newborn", "obstetric", "oncolog", "operation", "paediatric", "pediatric",
    "pregnan", "psychiatr", "radiotherap", "rehab", "schizo", "stroke", "suicid", "surger", "surgical", "syphilis",
    "transplant", "tubercul", "tumor", "tumour", "urolog", "ward for",
)  # fmt: skip
REVEALING_CHINESE = (
    "癌", "瘤", "化疗", "放疗", "艾滋", "乙肝", "丙肝", "肝炎", "结核", "梅毒", "性病",
    "精神", "抑郁", "焦虑", "自杀", "戒毒", "流产", "引产", "妊娠", "怀孕", "产科", "妇科",
    "分娩", "新生儿", "不孕", "糖尿病", "胰岛素", "透析", "移植", "手术", "活检", "心内科", "肿瘤科",
    "泌尿", "肛肠", "传染", "癫痫", "痴呆", "中风", "脑梗", "白血病",
)  # fmt: skip

_ENGLISH = re.compile(rf"\b(?:{'|'.join(map(re.escape, REVEALING_ENGLISH))})\w*", re.IGNORECASE)
_CHINESE = re.compile("|".join(map(re.escape, REVEALING_CHINESE)))


def revealing_words(text: str, names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Words of ``text`` that could tell a diagnosis, a treatment or a department, or (``names``) who somebody is.

    A help for whoever writes, not a proof: each word once, in the order of the text.
    """
    found = [(match.start(), match.group()) for pattern in (_ENGLISH, _CHINESE) for match in pattern.finditer(text)]
    found += [(text.find(name), name) for name in names if name and name in text]
    return tuple(dict.fromkeys(word for _, word in sorted(found)))


ALWAYS_KNOWN = frozenset({"hospital", "phone", "emergency"})
"""What the program fills into any text."""


class Flaw(StrEnum):
    """What is wrong with a wording. The first ones forbid it, ``LONGER`` and ``REVEALING`` need a person's yes."""

    EMPTY = "empty"
    UNKNOWN_PLACEHOLDER = "unknown_placeholder"
    LOST_PLACEHOLDER = "lost_placeholder"
    BROKEN_BRACES = "broken_braces"
    UNSIGNED = "unsigned"
    NO_WAY_OUT = "no_way_out"
    INVITES_STOP = "invites_stop"
    TOO_LONG = "too_long"
    LONGER = "longer"
    REVEALING = "revealing"


WITH_A_YES = frozenset({Flaw.LONGER, Flaw.REVEALING})
MOST_SEGMENTS = 4
NEEDED = frozenset({"link", "text", "alert"})
"""Placeholders without which a text would lose its point."""

_WAY_OUT = {"en": "STOP", "zh_Hans": "退订"}
_SIGNED = {"en": "{hospital}: ", "zh_Hans": "【{hospital}】"}


@dataclass(frozen=True, slots=True)
class Remark:
    """A flaw of the wording in one language, and the words it is about."""

    flaw: Flaw
    language: str
    about: str = ""


def remarks_on(new: str, old: str, language: str, sample: Mapping[str, TemplateValue]) -> list[Remark]:
    """What is to be said about a new wording beside the one in force; ``sample`` are values as they may be.

    A new wording may use the placeholders of the old one and those that are always known, keeps those that carry its
    point, the name in front, and the way to opt out, if the old one had them.
    """
    if not new.strip():
        return [Remark(Flaw.EMPTY, language)]
    used, before = placeholders(new), placeholders(old)
    unknown, lost = used - before - ALWAYS_KNOWN, (before & NEEDED) - used
    found = [
        *(Remark(Flaw.UNKNOWN_PLACEHOLDER, language, name) for name in sorted(unknown)),
        *(Remark(Flaw.LOST_PLACEHOLDER, language, name) for name in sorted(lost)),
    ]
    bare = new
    for name in used:
        bare = bare.replace("{" + name + "}", "")
    wrong = {
        Flaw.BROKEN_BRACES: bool(set("{}") & set(bare)),
        Flaw.UNSIGNED: old.startswith(_SIGNED[language]) and not new.startswith(_SIGNED[language]),
        Flaw.NO_WAY_OUT: _WAY_OUT[language] in old and _WAY_OUT[language] not in new,
        Flaw.INVITES_STOP: re.search(r"\bcancel\b", new, re.IGNORECASE) is not None,
    }
    found += [Remark(flaw, language) for flaw, holds in wrong.items() if holds]
    return found or _doubts(new, old, language, sample)


def _doubts(new: str, old: str, language: str, sample: Mapping[str, TemplateValue]) -> list[Remark]:
    found = [Remark(Flaw.REVEALING, language, word) for word in revealing_words(new)]
    length, before = (measure(render(text, sample, language).whole).segments for text in (new, old))
    if length > MOST_SEGMENTS:
        found.append(Remark(Flaw.TOO_LONG, language, str(length)))
    elif length > max(1, before):
        found.append(Remark(Flaw.LONGER, language, str(length)))
    return found


SAMPLE: Mapping[str, TemplateValue] = {
    "hospital": {"en": "City General Hospital", "zh_Hans": "市第一人民医院"},
    "phone": "02112345678",
    "emergency": "120",
    "ward_phone": "02112345679",
    "when": {"en": "Thu 12 Mar 14:30", "zh_Hans": "3月12日周四14:30"},
    "place": {"en": "Building 2 floor 3", "zh_Hans": "2号楼3层东区"},
    "link": "https://h.example/s/Ab3dEf9h",
    "by": {"en": "Mon 16 Mar", "zh_Hans": "3月16日"},
    "alert": "12345",
    "time": "14:30",
    "text": {"en": "You can shower from tomorrow on.", "zh_Hans": "明天起可以淋浴。"},
}
"""Values as they may be, for the preview of a text."""
