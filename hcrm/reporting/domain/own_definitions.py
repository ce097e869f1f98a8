"""The definition of a measure that a hospital made, put together from its parameters in both languages."""

from __future__ import annotations

from collections.abc import Collection

from hcrm.reporting.domain.definitions import Definition
from hcrm.reporting.domain.measures import EMER, IMP, OBSENC, Counted, Exclusion, Link, Measure, Unit
from hcrm.reporting.domain.own_measures import CLASSES, SHORT_STAY
from hcrm.survey.domain import Text

SOURCE = Text("The hospital's own measure.", "本院自定义指标。")

_STAYS = {
    IMP: Text("inpatient stay", "住院"),
    EMER: Text("emergency visit", "急诊就诊"),
    OBSENC: Text("observation stay", "急诊留观"),
    SHORT_STAY: Text("day case", "日间病例"),
}
_LEFT_OUT = {
    Exclusion.ADMITTED: Text("patients admitted to a ward", "收住院的患者"),
    Exclusion.AGAINST_ADVICE: Text("discharges against advice", "非医嘱离院"),
    Exclusion.TRANSFER_ACUTE: Text("transfers to another acute hospital", "转往其他急性期医院"),
    Exclusion.RETURN_PLANNED: Text("discharges with a return planned at discharge", "出院时已有31天内再住院计划"),
}


def definition_of(measure: Measure, name: Text) -> Definition:
    """What is counted, out of what, and what is left out, in sentences."""
    return Definition(
        measure.code,
        Text(_ended(name.en, "."), _ended(name.zh or name.en, "。")),
        _joined([_counted(measure), *_rules(measure)]),
        _of(measure),
        _left_out(measure),
        SOURCE,
    )


def _ended(name: str, stop: str) -> str:
    return name if name.endswith((".", "。", "!", "?", "！", "？")) else f"{name}{stop}"


def _joined(sentences: list[Text]) -> Text:
    return Text(" ".join(each.en for each in sentences), "".join(each.zh for each in sentences))


def _classes(classes: Collection[str]) -> Text:
    named = [_STAYS[each] for each in CLASSES if each in classes]
    return Text(" or ".join(each.en for each in named), "或".join(each.zh for each in named))


def _counted(measure: Measure) -> Text:
    classes, when = _classes(measure.revisit_classes), _window(measure)
    return Text(
        f"Counted: those followed by a later {classes.en} that began {when.en}.",
        f"分子：{when.zh}再次{classes.zh}的人次。",
    )


def _window(measure: Measure) -> Text:
    first, last = measure.first, measure.last
    if measure.unit is Unit.HOURS:
        if not first:
            return Text(f"within {last} hours", f"离开后{last}小时内")
        return Text(f"{first} to {last} hours after the discharge", f"离开后{first}至{last}小时")
    zero = measure.discharge_day
    return Text(
        f"on days {first} to {last} after discharge (the day of discharge being day {zero})",
        f"出院后第{first}至{last}天（出院当天为第{zero}天）",
    )


_COUNTING = {
    Counted.FIRST: Text("The first one of this kind decides.", "以首次符合条件的返院为准。"),
    Counted.ANY: Text(
        "Any one inside the window counts; an earlier one outside it hides nothing.",
        "窗口期内任一次即计入；此前窗口期外的返院不影响判定。",
    ),
    Counted.FIRST_DECIDES: Text(
        "If the first one was planned, none counts.", "首次返院为计划内时，其后的返院不再计入。"
    ),
}


def _rules(measure: Measure) -> list[Text]:
    ignored = ", ".join(measure.ignored_diagnoses)
    told = [
        (True, _COUNTING[measure.counted]),
        (
            measure.unplanned_only,
            Text("Planned ones do not count; an unknown plan is unplanned.", "计划内返院不计；计划不明按非计划计。"),
        ),
        (measure.same_facility, Text("Only returns to the same hospital.", "仅计返回同一医院者。")),
        (
            measure.same_department,
            Text("Only returns to the department that discharged the patient.", "仅计返回原出院科室者。"),
        ),
        (
            measure.same_diagnosis,
            Text(
                "Only with a principal diagnosis of the same first four ICD-10 characters.",
                "主要诊断ICD-10前四位须相同。",
            ),
        ),
        (
            measure.no_return_plan,
            Text(
                "None where a return within 31 days was planned at discharge.", "出院时已有31天内再住院计划者不计返院。"
            ),
        ),
        (
            bool(ignored),
            Text(f"Returns for {ignored} do not count.", f"主要诊断为{ignored.replace(', ', '、')}的返院不计。"),
        ),
        (bool(measure.bands), _bands(measure)),
    ]
    return [text for holds, text in told if holds]


def _bands(measure: Measure) -> Text:
    named = [str(low) if low == high else f"{low}–{high}" for low, high in measure.bands]
    return Text(f"Shown for days {', '.join(named)}.", f"按第{'、'.join(named)}天分段列出。")


def _of(measure: Measure) -> Text:
    classes = _classes(measure.index_classes)
    of = Text(
        f"Of: each {classes.en} that ended in the period and that the patient left alive;",
        f"分母：期内结束且患者存活离院的{classes.zh}；",
    )
    linked = Text(
        "stays that touch (the next begins on or before the day the previous ended) are one.",
        "前后衔接的就诊（后一次在前一次结束当天或之前开始）合并为一次。",
    )
    single = Text("each for itself.", "每次单独计算。")
    sentences = [of, linked if measure.link is Link.EPISODE else single]
    if measure.index_diagnoses:
        codes = ", ".join(measure.index_diagnoses)
        sentences.append(
            Text(
                f"Only with a principal diagnosis that begins with {codes}.",
                f"仅限主要诊断以{codes.replace(', ', '、')}开头者。",
            )
        )
    return _joined(sentences)


def _left_out(measure: Measure) -> Text:
    named = [text for reason, text in _LEFT_OUT.items() if reason in measure.excluded]
    return Text(
        "; ".join(["Left out: deaths", *(each.en for each in named)]) + ".",
        "；".join(["排除：死亡", *(each.zh for each in named)]) + "。",
    )
