"""Column heads in English and Chinese and the fields they name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hcrm.intake.domain import JOINED_FIELDS
from hcrm.intake.readers.csv_rows.words import fold

SYNONYMS: Mapping[str, str] = {
    "mrn": (
        "mrn|病案号|病历号|病案编号|病历编号|患者编号|患者ID|病人ID|patient_id|medical record number|"
        "record number|patient number|patient no|hospital number|unit number|登记号|门诊号|就诊卡号|健康卡号|"
        "patient"
    ),
    "visit_number": (
        "visit_number|visit no|visit id|encounter_id|encounter|encounter number|visit|account number|fin|csn|"
        "住院号|就诊号|就诊流水号|住院流水号|流水号|住院ID|就诊ID|就诊编号|admission number|admission id|"
        "admission no|spell id|episode id"
    ),
    "name": "name|姓名|患者姓名|病人姓名|patient_name|full_name|fullname",
    "family_name": "family_name|surname|last_name|lastname|last|姓|姓氏",
    "given_name": "given_name|first_name|firstname|first|forename|given|名|名字",
    "sex": "sex|gender|性别|患者性别|administrative sex",
    "birth_date": "birth_date|birthdate|date_of_birth|dob|birthday|出生日期|出生年月日|生日|出生年月|患者出生日期",
    "phone": (
        "手机号|手机号码|手机|移动电话|联系电话|患者电话|本人电话|患者联系电话|联系方式|电话|电话号码|"
        "家庭电话|住宅电话|phone|mobile|mobile_phone|cell|cell phone|telephone|tel|phone_number|"
        "contact number|phone no|home phone"
    ),
    "phone_owner": "phone_owner|电话所有人|号码归属|号码所有人|电话归属|phone belongs to",
    "contact_name": (
        "contact_name|联系人|联系人姓名|家属姓名|家属|监护人|监护人姓名|next of kin|emergency contact|nok name"
    ),
    "contact_relationship": (
        "contact_relationship|与患者关系|关系|联系人关系|家属关系|relationship|contact relation|nok relation"
    ),
    "contact_phone": (
        "contact_phone|联系人电话|家属电话|联系人手机|联系人联系电话|监护人电话|next of kin phone|"
        "emergency contact phone|nok phone"
    ),
    "language": "language|preferred_language|语言|语种|沟通语言",
    "class": (
        "class|encounter_class|encounterclass|patient_class|visit_type|encounter_type|patient type|就诊类型|"
        "就诊类别|患者类型|患者类别|病人类型|就医类型|门诊住院标志"
    ),
    "status": "encounter_status|visit_status|stay_status|status|就诊状态|住院状态|就医状态|记录状态",
    "admitted_at": (
        "入院时间|入院日期时间|入院日期|住院日期|就诊时间|就诊日期|admitted_at|admit_date|admission_date|"
        "admission|admission time|admit time|admitted|admission datetime|arrival|arrival time|start|"
        "start time|date of admission"
    ),
    "discharged_at": (
        "出院时间|出院日期时间|出院日期|离院时间|离院日期|discharged_at|discharge_date|discharge|"
        "discharge time|discharged|discharge datetime|departure|departure time|stop|end|end time|"
        "date of discharge"
    ),
    "department_code": (
        "department_code|dept_code|ward_code|出院科室编码|出院科室代码|科室编码|科室代码|科室编号|unit code"
    ),
    "department": (
        "出院科室|出院科别|出院科室名称|科室名称|科室|科别|所在科室|就诊科室|病区|出院病区|department|dept|"
        "discharge department|ward|unit|speciality|specialty|service|department name|入院科室|入院科别"
    ),
    "clinician": (
        "主管医师|主管医生|主治医师|主治医生|经治医师|管床医生|管床医师|责任医师|责任医生|接诊医生|住院医师|"
        "医生|医师|clinician|attending|attending physician|physician|doctor|consultant|provider|"
        "responsible physician"
    ),
    "nurse": "责任护士|主管护士|管床护士|护士|nurse|responsible_nurse|primary nurse",
    "disposition": (
        "离院方式|出院方式|离院去向|出院去向|转归|出院情况|disposition|discharge_disposition|"
        "discharge_status|discharge destination|destination|discharge outcome"
    ),
    "died": "died|death|是否死亡|死亡|院内死亡|deceased|died in hospital",
    "planned": "planned|是否计划|计划入院|入院类型|入院途径类型|admission_type|elective|是否计划入院",
    "readmission_plan_31d": (
        "readmission_plan_31d|31天内再住院计划|出院31天内再住院计划|是否有出院31天内再住院计划|"
        "是否有31天内再住院计划|31日内再住院计划|31天再住院计划"
    ),
    "principal_diagnosis": (
        "主要诊断编码|主要诊断代码|出院主要诊断编码|主要诊断ICD|主要诊断ICD10|principal_diagnosis_code|icd10|"
        "icd|icd10code|diagnosis_code|主要诊断|主要诊断名称|出院主要诊断|出院诊断|诊断|诊断名称|"
        "principal_diagnosis|primary_diagnosis|main_diagnosis|diagnosis|principal diagnosis name"
    ),
    "diagnoses": "diagnoses|其他诊断|其他诊断编码|次要诊断|secondary_diagnoses|other_diagnoses|合并症|全部诊断",
    "procedures": ("procedures|procedure|手术|手术名称|手术操作|手术及操作|主要手术|手术操作名称|operation|operations"),
    "deceased_at": "deceased_at|deathdate|death_date|date_of_death|死亡时间|死亡日期|dod|deceased_on",
    "payer": "payer|insurance|insurer|医保类型|医疗付费方式|付费方式|费别|医疗付款方式|payer group",
    "sensitive": "sensitive|敏感|是否敏感|保密级别|confidential",
    "address": (
        "现住址|家庭住址|住址|联系地址|居住地址|地址|address|home address|street|city|town|postcode|zip|"
        "zipcode|postal code|邮编"
    ),
    "event_time": "event_time|updated_at|last_updated|更新时间|最后更新时间|事件时间|record time|modified_at",
}
"""Head words by field; the earlier a word stands, the better it names the field."""

_RANKED = {fold(word): (name, rank) for name, words in SYNONYMS.items() for rank, word in enumerate(words.split("|"))}
_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
_PLAIN = re.compile(r"[^\w]+")


def recognise(head: str) -> tuple[str, int] | None:
    """The field that ``head`` names and how well (0 is best); None for an unknown head."""
    word = fold(head.replace("\0", ""))
    return _RANKED.get(word) or _RANKED.get(fold(_PLAIN.sub("", _BRACKETS.sub("", word))))


def match_heads(heads: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Positions of the columns of each field.

    Where several heads name one field, the best one has it, unless the field may be spread over columns: then all of
    them have it, the best first.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for position, head in enumerate(heads):
        match = recognise(head)
        if match:
            found.setdefault(match[0], []).append((match[1], position))
    columns: dict[str, tuple[int, ...]] = {}
    for name, ranked in found.items():
        ordered = [position for _, position in sorted(ranked)]
        columns[name] = tuple(ordered if name in JOINED_FIELDS else ordered[:1])
    return columns


def missing_fields(columns: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """What a table lacks before its rows can be records of stays."""
    missing = [] if "mrn" in columns else ["mrn"]
    if "discharged_at" not in columns and "admitted_at" not in columns:
        missing.append("discharged_at")
    return tuple(missing)
