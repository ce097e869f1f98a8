"""The monthly letter: what a manager needs to know in a few sentences, in either language, and no patient in it."""

from __future__ import annotations

from dataclasses import dataclass

from hcrm.reporting.domain.reports import Rate
from hcrm.survey.domain import Text

_SUBJECT = Text("Follow-up in {month}: {place}", "{month}随访月报：{place}")
_GREETING = Text("What {month} showed at {place}:", "{place} {month}情况：")
_FOLLOWUP = Text(
    "Follow-up: {done} of {due} calls were completed in time ({share}, {low} to {high}).",
    "随访：应完成{due}次，按时完成{done}次（{share}，{low}至{high}）。",
)
_RETURNS = Text(
    "Coming back: {done} of {due} discharges were back within 30 days ({share}, {low} to {high}).",
    "再入院：出院{due}人次，30天内再入院{done}人次（{share}，{low}至{high}）。",
)
_SAID = Text(
    "What patients say: {done} of {due} are satisfied overall ({share}, {low} to {high}).",
    "患者评价：{due}份答卷中{done}份总体满意（{share}，{low}至{high}）。",
)
_NOTHING = {
    "followup": Text("Follow-up: no call was due.", "随访：没有应完成的电话。"),
    "returns": Text("Coming back: no discharge.", "再入院：没有出院病例。"),
    "said": Text("What patients say: nobody answered.", "患者评价：没有答卷。"),
}
_PROVISIONAL = Text(
    "Some discharges are still inside their 30 days, so the share can still rise.",
    "部分出院仍在30天窗口期内，比例可能上升。",
)
_FEW = Text("Fewer than 30 answers: read with caution.", "不足30份答卷，请谨慎解读。")
_BEFORE = Text("The month before: {share}.", "上月：{share}。")
_LINK = Text("The charts, and the patients behind every number: {link}", "图表及每个数字对应的患者：{link}")
_END = Text(
    "You ordered this letter. To end it, open “Kept views and letter” on the pages of figures.",
    "您订阅了本月报。如需停止，请在指标页面打开“已保存视图与月报”。",
)


@dataclass(frozen=True, slots=True)
class Month:
    """The three headlines of a month, the same of the month before, and whether the returns are provisional."""

    followup: Rate
    returns: Rate
    said: Rate
    followup_before: Rate
    returns_before: Rate
    said_before: Rate
    provisional: bool


def subject(month: str, place: str, language: str) -> str:
    return _SUBJECT.in_language(language).format(month=month, place=place)


def text(found: Month, *, month: str, place: str, link: str, language: str) -> str:
    """The whole letter."""
    lines = [
        _GREETING.in_language(language).format(month=month, place=place),
        _line("followup", _FOLLOWUP, found.followup, found.followup_before, language),
        _line("returns", _RETURNS, found.returns, found.returns_before, language)
        + (_after(_PROVISIONAL, language) if found.provisional else ""),
        _line("said", _SAID, found.said, found.said_before, language)
        + (_after(_FEW, language) if 0 < found.said.denominator < 30 else ""),
        _LINK.in_language(language).format(link=link),
        _END.in_language(language),
    ]
    return "\n\n".join(lines) + "\n"


def _line(name: str, sentence: Text, rate: Rate, before: Rate, language: str) -> str:
    if rate.value is None:
        return _NOTHING[name].in_language(language)
    said = sentence.in_language(language).format(
        done=rate.numerator,
        due=rate.denominator,
        share=_share(rate.value),
        low=_share(rate.low),
        high=_share(rate.high),
    )
    if before.value is None:
        return said
    return said + _space(language) + _BEFORE.in_language(language).format(share=_share(before.value))


def _after(sentence: Text, language: str) -> str:
    return _space(language) + sentence.in_language(language)


def _space(language: str) -> str:
    return "" if language.startswith("zh") else " "


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
