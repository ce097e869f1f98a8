"""The words that hospitals use for classes, dispositions, sexes, yes and no, and what they mean here (domain §3)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TypeVar

from hcrm.patients.domain import Disposition, EncounterClass, Language, OwnerKind, Sex

Code = TypeVar("Code")


def fold(word: str) -> str:
    """A word as the tables below hold it: full-width forms narrowed, case folded, no space, hyphen or underscore."""
    if not word.isascii():
        word = unicodedata.normalize("NFKC", word)
    return word.casefold().translate(_DROPPED).strip(".:")


_DROPPED = {ord(sign): None for sign in " \t\r\n\u00a0\u3000\u200b\ufeff_-*/'’"}


def _table(*groups: tuple[Code, str]) -> dict[str, Code]:
    return {fold(word): code for code, words in groups for word in words.split("|")}


CLASSES: Mapping[str, EncounterClass] = _table(
    (
        EncounterClass.INPATIENT,
        "IMP|ACUTE|NONAC|I|B|inpatient|in-patient|inpatient encounter|hospitalization|obstetrics",
    ),
    (EncounterClass.INPATIENT, "住院|住院患者|住院病人|普通住院|入院"),
    (EncounterClass.EMERGENCY, "EMER|E|emergency|emergency room|ED|ER|A&E|accident and emergency|急诊|急诊患者|急救"),
    (EncounterClass.OBSERVATION, "OBSENC|OBS|observation|observation encounter|留观|急诊留观|观察|留院观察"),
    (
        EncounterClass.SHORT_STAY,
        "SS|short stay|day case|daycase|day surgery|same day|日间|日间手术|日间病房|日间住院|日间化疗",
    ),
    (
        EncounterClass.AMBULATORY,
        "AMB|O|C|R|P|HH|VR|FLD|ambulatory|outpatient|out-patient|wellness|urgentcare|urgent care",
    ),
    (EncounterClass.AMBULATORY, "virtual|telehealth|clinic|office visit|snf|hospice|home|skilled nursing facility"),
    (EncounterClass.AMBULATORY, "门诊|普通门诊|专家门诊|特需门诊|体检|互联网门诊|互联网诊疗"),
)

POST_ACUTE_WORDS = frozenset({"snf", "hospice", "home", "skillednursingfacility"})
"""Classes of care after the hospital: neither index nor revisit."""

PREADMIT_WORDS = frozenset({"p"})
"""HL7 pre-admission: outpatient and planned until the patient comes."""

DISPOSITIONS: Mapping[str, Disposition] = _table(
    (Disposition.HOME, "1|01|home|home or self care|discharged|discharged home|routine|recovered|improved"),
    (Disposition.HOME, "医嘱离院|医嘱出院|治愈|好转|出院|回家|正常出院"),
    (Disposition.HOME_CARE, "home_care|home health|home health care|06|6|家庭病床|居家护理"),
    (Disposition.ADMITTED, "admitted|admit|admitted as inpatient|收住院|收入院|转住院|入院"),
    (Disposition.OTHER_FACILITY, "3|03|other_facility|snf|rehab|nursing home|community|转社区|医嘱转社区|转康复"),
    (Disposition.OTHER_FACILITY, "医嘱转社区卫生服务机构/乡镇卫生院|医嘱转社区卫生服务机构|转乡镇卫生院|转护理院"),
    (Disposition.TRANSFER_ACUTE, "2|02|transfer_acute|transfer|transferred|医嘱转院|转院|转上级医院"),
    (Disposition.AGAINST_ADVICE, "4|04|07|7|against_advice|ama|left against advice|against medical advice"),
    (Disposition.AGAINST_ADVICE, "非医嘱离院|非医嘱出院|自动出院|自动离院|要求出院|未愈自动出院"),
    (Disposition.EXPIRED, "5|05|20|expired|died|dead|death|deceased|死亡|院内死亡"),
    (Disposition.HOSPICE, "hospice|50|51|安宁疗护|临终关怀"),
    (Disposition.LEFT_WITHOUT_BEING_SEEN, "left_without_being_seen|lwbs|left without being seen|未就诊离开"),
    (
        Disposition.LEFT_BEFORE_COMPLETION,
        "left_before_completion|eloped|left before completion|未完成诊疗离开|擅自离开",
    ),
    (Disposition.UNKNOWN, "9|09|unknown|other|其他|其它|不详|未知"),
)

SEXES: Mapping[str, Sex] = _table(
    (Sex.MALE, "M|male|man|boy|1|男|男性|男孩"),
    (Sex.FEMALE, "F|W|female|woman|girl|2|女|女性|女孩"),
    (Sex.OTHER, "O|other|X|diverse|nonbinary|其他|其它"),
    (Sex.UNKNOWN, "U|UN|UNK|unknown|0|9|未知|未知的性别|未说明|未说明的性别|不详"),
)

BOOLS: Mapping[str, bool] = _table(
    (True, "1|true|t|yes|y|x|是|有|√|✓|真"),
    (False, "0|false|f|no|n|否|无|没有|×|假"),
)

PLANNED: Mapping[str, bool] = {
    **BOOLS,
    **_table(
        (True, "planned|elective|scheduled|择期|计划|有计划|预约"),
        (False, "unplanned|emergency|urgent|acute|急诊|非计划|危重|一般急诊"),
    ),
}

PLAN_31D: Mapping[str, bool] = {**BOOLS, **_table((False, "1"), (True, "2"))}
"""31 天内再住院计划 on the front page of a Chinese record: 1 无 (no), 2 有 (yes)."""

DIED: Mapping[str, bool] = {**BOOLS, **_table((True, "died|dead|deceased|死亡"), (False, "alive|存活|生存"))}

SENSITIVE: Mapping[str, bool] = {**BOOLS, **_table((True, "sensitive|confidential|敏感|保密"), (False, "normal|普通"))}

LANGUAGES: Mapping[str, Language] = _table(
    (Language.ENGLISH, "en|eng|english|en-gb|en-us|英语|英文"),
    (Language.CHINESE, "zh|zho|chi|zh-cn|zh-hans|zh_Hans_CN|cn|chinese|mandarin|中文|汉语|普通话|简体中文|国语"),
)

OWNERS: Mapping[str, OwnerKind] = _table((OwnerKind.PATIENT, "patient|self|own|me|本人|患者|患者本人|病人|自己"))
"""Whose phone it is; any other word names a relative."""

TOTAL_WORDS = ("合计", "总计", "小计", "共计", "总数", "制表", "打印", "填表", "审核", "备注:", "备注：", "注:", "注：",
               "total", "grand total", "subtotal", "sum", "count", "printed", "page ")  # fmt: skip
"""How rows below a table begin that are no records."""

_CANCELLED = frozenset(
    map(fold, ("cancelled", "canceled", "cancel", "entered in error", "entered-in-error", "void", "voided"))
) | frozenset(map(fold, ("取消", "已取消", "作废", "已作废", "退院")))


def is_cancelled(word: str) -> bool:
    """Whether the state of a stay says that it never was."""
    return fold(word) in _CANCELLED
