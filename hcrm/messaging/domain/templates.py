"""Wording of messages: placeholders, rendering in the patient's language, and the masked copy that is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hcrm.messaging.domain.requests import TemplateValue

PLACEHOLDERS = frozenset(
    {"hospital", "phone", "emergency", "ward_phone", "when", "place", "link", "by", "alert", "time", "text"}
)
"""All that a text may ask for."""

LANGUAGES = ("en", "zh_Hans")
DEFAULT_LANGUAGE = "en"
MASKED_LINK = "[link]"

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_SIGNATURE = re.compile(r"^(?:【\{hospital\}】|\{hospital\}: )")


class TemplateStatus(StrEnum):
    """Only a published version is sent."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class MissingTemplateData(LookupError):
    """A placeholder has no value; the arguments are its names."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as it is handed over, the copy that is kept, in which the link is masked, and the whole as the phone
    shows it, which is what is counted: with the signature that a carrier adds.
    """

    body: str
    kept: str
    whole: str


def placeholders(text: str) -> frozenset[str]:
    """The names between braces in a text."""
    return frozenset(_PLACEHOLDER.findall(text))


def text_in(value: TemplateValue, language: str) -> str:
    """The value for a reader of ``language``; a value per language falls back on English."""
    if isinstance(value, str):
        return value
    return value.get(language) or value.get(DEFAULT_LANGUAGE, "")


def render(text: str, values: Mapping[str, TemplateValue], language: str, *, drop_signature: bool = False) -> Rendered:
    """Fill in ``text``. ``drop_signature`` leaves out the hospital's name in front, where the carrier adds it.

    Raises ``MissingTemplateData`` when a placeholder has no value or an empty one.
    """
    filled = {name: text_in(values.get(name, ""), language).strip() for name in placeholders(text)}
    missing = sorted(name for name, value in filled.items() if not value)
    if missing:
        raise MissingTemplateData(*missing)
    masked = filled | ({"link": MASKED_LINK} if "link" in filled else {})
    handed = _SIGNATURE.sub("", text) if drop_signature else text
    return Rendered(body=_filled(handed, filled), kept=_filled(handed, masked), whole=_filled(text, filled))


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], text)


def closest_language(language: str) -> str:
    """The language of ours for any tag: ``zh-CN``, ``zh_Hans`` … are Simplified Chinese, all others English."""
    return "zh_Hans" if language.lower().startswith("zh") else DEFAULT_LANGUAGE
