"""What a definition of a figure says."""

from __future__ import annotations

from dataclasses import dataclass

from hcrm.survey.domain import Text

OWN = Text("Our own default.", "本系统默认定义。")
"""The source of what the product itself defines."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One figure: what is counted, out of what, what is left out, and where the definition comes from."""

    code: str
    title: Text
    numerator: Text
    denominator: Text
    excluded: Text
    source: Text

    def sentence(self, language: str) -> str:
        """The whole definition in one line, as commands and exports give it."""
        parts = (self.title, self.numerator, self.denominator, self.excluded)
        return " ".join(part.in_language(language) for part in parts)
