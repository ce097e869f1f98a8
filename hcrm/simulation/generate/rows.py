"""A feed as a table: column heads and cells in English or in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from hcrm.simulation.generate.parameters import Style
from hcrm.simulation.generate.records import Event, Record, Stay

CSV_HEADS = (
    "mrn", "visit_number", "family_name", "given_name", "sex", "birth_date", "phone", "phone_owner", "language",
    "class", "department_code", "department", "clinician", "admitted_at", "discharged_at", "disposition", "planned",
    "principal_diagnosis", "contact_name", "contact_relationship", "address", "event_time", "other_diagnoses",
    "readmission_plan_31d", "sensitive", "deceased_at",
)  # fmt: skip
CSV_HEADS_ZH = (
    "病案号", "住院号", "姓", "名", "性别", "出生日期", "联系电话", "号码归属", "语言", "就诊类型", "科室编码",
    "出院科室", "主管医师", "入院时间", "出院时间", "离院方式", "是否计划", "主要诊断编码", "联系人", "与患者关系",
    "现住址", "更新时间", "其他诊断", "31天内再住院计划", "敏感", "死亡日期",
)  # fmt: skip
HEADS: dict[Style, tuple[str, ...]] = {"en": CSV_HEADS, "zh": CSV_HEADS_ZH}
_DISCHARGED = Event.DISCHARGED
TOLD = frozenset({Event.ADMITTED, Event.MOVED, Event.DISCHARGED, Event.CORRECTED})
"""What a table can say; it has no words for something that is taken back, nor for a merge."""

CHINESE = {
    "female": "女", "male": "男",
    "patient": "本人", "mother": "母亲", "father": "父亲", "daughter": "女儿", "son": "儿子",
    "en": "英语", "zh": "中文",
    "inpatient": "住院", "day case": "日间", "emergency": "急诊",
    "home": "医嘱离院", "home_care": "居家护理", "other_facility": "转社区", "transfer_acute": "医嘱转院",
    "against_advice": "非医嘱离院", "expired": "死亡", "hospice": "安宁疗护", "admitted": "收住院", "unknown": "其他",
    "left_without_being_seen": "未就诊离开", "left_before_completion": "未完成诊疗离开",
    "true": "是", "false": "否",
}  # fmt: skip
"""What a Chinese table has for words of ours."""
_PLAN = {"true": "有", "false": "无"}
Cells = tuple[str, ...]
_SPECIAL = re.compile(r'[,"\r\n]')


class Table:
    """Turns records into rows of cells in one language."""

    def __init__(self, style: Style) -> None:
        self._chinese = style == "zh"

    def row(self, stay: Stay, event_at: datetime) -> Cells:
        """One stay as the cells of ``CSV_HEADS``, as it was known at ``event_at``."""
        person, department, leaves = stay.person, stay.department, stay.discharged_at
        end = leaves.isoformat(" ", "minutes") if leaves else ""
        cells = (
            person.mrn,
            stay.visit_number,
            person.family_name,
            person.given_name,
            person.sex,
            person.birth_date.isoformat(),
            person.phone,
            person.phone_owner,
            person.language,
            department.encounter_class,
            department.code,
            department.name,
            stay.clinician[1],
            stay.admitted_at.isoformat(" ", "minutes"),
            end,
            stay.disposition,
            "true" if stay.planned else "false",
            stay.diagnosis,
            person.contact_name,
            person.contact_relationship,
            person.address,
            end if event_at == leaves else event_at.isoformat(" ", "minutes"),
            ";".join(stay.other_diagnoses),
            "true" if stay.return_planned else "false",
            "true" if department.sensitive else "",
            person.deceased_on.isoformat() if person.deceased_on else "",
        )
        return self._in_chinese(cells, stay) if self._chinese else cells

    @staticmethod
    def _in_chinese(cells: Cells, stay: Stay) -> Cells:
        word = CHINESE.get
        return (
            *cells[:4], word(cells[4], ""), *cells[5:7], *(word(cell, cell) for cell in cells[7:10]), cells[10],
            stay.department.name_zh, *cells[12:15], word(cells[15], ""), word(cells[16], ""), *cells[17:19],
            word(cells[19], cells[19]), *cells[20:23], _PLAN[cells[23]], word(cells[24], ""), cells[25],
        )  # fmt: skip

    def rows(self, records: Iterable[Record]) -> list[Cells]:
        """The rows of those records that a table can say."""
        row = self.row
        return [row(stay, at) for event, at, stay, _ in records if event is _DISCHARGED or event in TOLD]


def csv_text(rows: Iterable[Cells]) -> str:
    """Rows as CSV with LF: what ``csv.writer`` writes, in less time."""
    return "".join([_line(row) for row in rows])


def _line(cells: Cells) -> str:
    line = ",".join(cells)
    if '"' in line or "\n" in line or "\r" in line:
        return ",".join([_quoted(cell) for cell in cells]) + "\n"
    if line.count(",") == len(cells) - 1:
        return f"{line}\n"
    return ",".join([f'"{cell}"' if "," in cell else cell for cell in cells]) + "\n"


def _quoted(cell: str) -> str:
    if not _SPECIAL.search(cell):
        return cell
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'
