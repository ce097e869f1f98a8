"""Small readers of made-up feeds, written from the standards and not from the writers, to compare formats."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from python_calamine import CalamineWorkbook

Facts = dict[str, Any]


@dataclass
class Hospital:
    """What a feed says in the end: facts of each visit, visits taken back, patients given up for others."""

    visits: dict[str, Facts] = field(default_factory=dict)
    wards: dict[str, list[str]] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    merged: dict[str, str] = field(default_factory=dict)
    records: int = 0
    repeated: int = 0
    corrected: set[str] = field(default_factory=set)

    def take(self, visit: str, facts: Facts, ward: str, *, cancelled: bool = False) -> None:
        """One more record about a visit; what it does not mention stays."""
        self.records += 1
        known = self.visits.setdefault(visit, {})
        changed = {name: value for name, value in facts.items() if value not in (None, "")}
        if known == known | changed and not cancelled:
            self.repeated += 1
        elif known.get("discharged_at"):
            self.corrected.add(visit)
        known.update(changed)
        wards = self.wards.setdefault(visit, [])
        if not wards or wards[-1] != ward:
            wards.append(ward)
        (self.cancelled.add if cancelled else self.cancelled.discard)(visit)


TABLE_HEADS = {
    "病案号": "mrn", "住院号": "visit_number", "姓": "family_name", "名": "given_name", "性别": "sex",
    "出生日期": "birth_date", "联系电话": "phone", "号码归属": "phone_owner", "语言": "language",
    "就诊类型": "class", "科室编码": "department_code", "出院科室": "department", "主管医师": "clinician",
    "入院时间": "admitted_at", "出院时间": "discharged_at", "离院方式": "disposition", "是否计划": "planned",
    "主要诊断编码": "principal_diagnosis", "联系人": "contact_name", "与患者关系": "contact_relationship",
    "现住址": "address", "更新时间": "event_time", "其他诊断": "other_diagnoses",
    "31天内再住院计划": "readmission_plan_31d", "敏感": "sensitive", "死亡日期": "deceased_at",
}  # fmt: skip
WORDS = {
    "女": "female", "男": "male", "本人": "patient", "母亲": "mother", "父亲": "father", "女儿": "daughter",
    "儿子": "son", "英语": "en", "中文": "zh", "住院": "inpatient", "日间": "day case", "急诊": "emergency",
    "是": "true", "否": "false", "有": "true", "无": "false", "医嘱离院": "home", "居家护理": "home_care",
    "转社区": "other_facility", "医嘱转院": "transfer_acute", "非医嘱离院": "against_advice", "死亡": "expired",
    "安宁疗护": "hospice", "收住院": "admitted", "其他": "unknown", "未就诊离开": "left_without_being_seen",
    "未完成诊疗离开": "left_before_completion",
}  # fmt: skip


def read_csv(path: Path) -> Hospital:
    with path.open(encoding="utf-8", newline="") as file:
        return _read_table(list(csv.reader(file)))


def read_xlsx(path: Path) -> Hospital:
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    return _read_table([[_cell(value) for value in row] for row in sheet.to_python()])


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    return value.isoformat() if isinstance(value, date) else str(value)


def _read_table(lines: list[list[str]]) -> Hospital:
    heads = [TABLE_HEADS.get(head, head) for head in lines[0]]
    rows = [dict(zip(heads, line, strict=True)) for line in lines[1:]]
    found = Hospital()
    for row in sorted(rows, key=lambda each: each["event_time"]):
        said = {name: WORDS.get(value, value) for name, value in row.items()}
        facts = {
            "mrn": row["mrn"],
            "name": (row["family_name"], row["given_name"]),
            "sex": said["sex"],
            "born": row["birth_date"],
            "phone": (row["phone"], said["phone_owner"]) if row["phone"] else None,
            "contact": (row["contact_name"], said["contact_relationship"]) if row["contact_name"] else None,
            "address": row["address"],
            "language": said["language"],
            "class": said["class"],
            "clinician": row["clinician"],
            "admitted_at": row["admitted_at"],
            "discharged_at": row["discharged_at"],
            "disposition": said["disposition"],
            "planned": said["planned"] == "true",
            "diagnoses": tuple(
                code for code in (row["principal_diagnosis"], *row["other_diagnoses"].split(";")) if code
            ),
            "return_planned": said["readmission_plan_31d"] == "true" if row["discharged_at"] else None,
            "sensitive": said["sensitive"] == "true",
            "died": row["deceased_at"],
        }
        found.take(row["visit_number"], facts, row["department_code"])
    return found


HL7_CLASSES = {"I": "inpatient", "E": "emergency", "SS": "day case"}
HL7_ENDS = {
    "01": "home", "02": "transfer_acute", "03": "other_facility", "06": "home_care", "07": "against_advice",
    "ADMIT": "admitted", "20": "expired", "50": "hospice", "UNKNOWN": "unknown", "LWBS": "left_without_being_seen",
    "ELOPED": "left_before_completion",
}  # fmt: skip


def hl7_messages(path: Path) -> Iterator[dict[str, list[list[str]]]]:
    """Messages as lists of segments by name; a segment's fields are numbered as in the standard."""
    text = path.read_bytes().decode()
    assert "\n" not in text
    message: dict[str, list[list[str]]] = {}
    for line in text.split("\r"):
        if line.startswith("MSH") and message:
            yield message
            message = {}
        if line:
            fields = line.split("|")
            message.setdefault(fields[0], []).append(["MSH", "|", *fields[1:]] if fields[0] == "MSH" else fields)
    if message:
        yield message


def read_hl7(path: Path) -> Hospital:
    found = Hospital()
    for message in hl7_messages(path):
        event = message["MSH"][0][9].split("^")[1]
        assert message["EVN"][0][1] == event
        pid = _padded(message["PID"][0])
        mrn = pid[3].split("^")[0]
        if event == "A40":
            found.merged[message["MRG"][0][1].split("^")[0]] = mrn
            continue
        visit, facts, ward = _hl7_stay(message, pid, mrn)
        found.take(visit, facts, ward, cancelled=event == "A11")
        if event == "A13":
            for name in ("discharged_at", "disposition"):
                found.visits[visit].pop(name, None)
    return found


def _hl7_stay(message: dict[str, list[list[str]]], pid: list[str], mrn: str) -> tuple[str, Facts, str]:
    pv1, pv2 = _padded(message["PV1"][0]), _padded(message["PV2"][0])
    doctor = pv1[7].split("^")
    facts: Facts = {
        "mrn": mrn,
        "name": tuple(pid[5].split("^")[:2]),
        "sex": {"F": "female", "M": "male"}[pid[8]],
        "born": _v2_time(pid[7]),
        "phone": (pid[13].split("^")[0], "patient") if pid[13] else None,
        "address": pid[11],
        "language": {"eng": "en", "zho": "zh"}[pid[15].split("^")[0]],
        "class": HL7_CLASSES[pv1[2]],
        "clinician": f"{doctor[1]}{doctor[2]}" if not doctor[1].isascii() else f"Dr {doctor[2]} {doctor[1]}",
        "admitted_at": _v2_time(pv1[44]),
        "discharged_at": _v2_time(pv1[45]),
        "disposition": HL7_ENDS.get(pv1[36], ""),
        "planned": pv1[4] == "C",
        "diagnoses": tuple(each[3].split("^")[0] for each in message.get("DG1", ())) or None,
        "return_planned": message["OBX"][0][5].startswith("Y^") if "OBX" in message else None,
        "sensitive": pv2[22] == "Y",
        "died": _v2_time(pid[29]) if pid[30] == "Y" else "",
    }
    for each in message.get("NK1", ()):
        nk1 = _padded(each)
        family, given = nk1[2].split("^")[:2]
        name = f"{family}{given}" if not family.isascii() else f"{given} {family}"
        facts["contact"] = (name, nk1[3].split("^")[0])
        if nk1[5]:
            facts["phone"] = (nk1[5].split("^")[0], "relative")
    return pv1[19].split("^")[0], facts, pv1[3].split("^")[0]


def _padded(fields: list[str]) -> list[str]:
    return fields + [""] * (50 - len(fields))


def _v2_time(text: str) -> str:
    if text in {"", '""'}:
        return ""
    day = f"{text[:4]}-{text[4:6]}-{text[6:8]}"
    return f"{day} {text[8:10]}:{text[10:12]}" if len(text) > 8 else day


FHIR_CLASSES = {"IMP": "inpatient", "EMER": "emergency", "SS": "day case"}
FHIR_RELATIVES = {"MTH": "MTH", "FTH": "FTH", "DAUC": "CHD", "SONC": "CHD"}


def fhir_bundles(path: Path) -> Iterator[dict[str, list[Facts]]]:
    """The resources of each Bundle by type; every reference must lead to a resource of the feed."""
    for line in path.read_text(encoding="utf-8").splitlines():
        bundle = json.loads(line)
        assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction")
        resources: dict[str, list[Facts]] = {"Bundle": [bundle]}
        for entry in bundle["entry"]:
            resource = entry["resource"]
            name = f"{resource['resourceType']}/{resource['id']}"
            assert entry["fullUrl"].endswith(f"/{name}")
            assert entry["request"] == {"method": "PUT", "url": name}
            resources.setdefault(resource["resourceType"], []).append(resource)
        yield resources


def read_fhir(path: Path, zone: str) -> Hospital:
    found = Hospital()
    for resources in fhir_bundles(path):
        patients = {f"Patient/{each['id']}": each for each in resources["Patient"]}
        if "Encounter" in resources:
            _take_encounter(found, resources, patients, ZoneInfo(zone))
        else:
            found.merged.update(_merges(patients))
    return found


def _merges(patients: dict[str, Facts]) -> Iterator[tuple[str, str]]:
    for each in patients.values():
        for link in each["link"]:
            other = patients[link["other"]["reference"]]
            if link["type"] == "replaced-by":
                assert (each["active"], other["active"]) == (False, True)
                yield _id(each), _id(other)


def _take_encounter(
    found: Hospital, resources: dict[str, list[Facts]], patients: dict[str, Facts], zone: ZoneInfo
) -> None:
    (encounter,) = resources["Encounter"]
    patient = patients[encounter["subject"]["reference"]]
    wards = [each["location"]["reference"].partition("/")[2] for each in encounter["location"]]
    visit = _id(encounter)
    facts = _fhir_stay(encounter, patient, resources, zone)
    if encounter["status"] != "finished" and visit in found.visits:
        for name in ("discharged_at", "disposition"):
            found.visits[visit].pop(name, None)
    found.take(visit, facts, wards[-1], cancelled=encounter["status"] == "entered-in-error")
    found.wards[visit] = wards


def _fhir_stay(encounter: Facts, patient: Facts, resources: dict[str, list[Facts]], zone: ZoneInfo) -> Facts:
    doctor = encounter["participant"][0]["individual"]["display"]
    conditions = {f"Condition/{each['id']}": _code(each["code"]) for each in resources.get("Condition", ())}
    ranked = sorted(encounter.get("diagnosis", ()), key=lambda each: each["rank"])
    plans = [each["valueBoolean"] for each in encounter.get("extension", ())]
    end = encounter.get("hospitalization", {}).get("dischargeDisposition", {}).get("coding", [{}])[-1].get("code")
    facts: Facts = {
        "mrn": _id(patient),
        "name": (patient["name"][0]["family"], patient["name"][0]["given"][0]),
        "sex": patient["gender"],
        "born": patient["birthDate"],
        "phone": (patient["telecom"][0]["value"], "patient") if "telecom" in patient else None,
        "address": patient["address"][0]["text"],
        "language": patient["communication"][0]["language"]["coding"][0]["code"][:2],
        "class": FHIR_CLASSES[encounter["class"]["code"]],
        "clinician": doctor,
        "admitted_at": _local(encounter["period"]["start"], zone),
        "discharged_at": _local(encounter["period"]["end"], zone) if "end" in encounter["period"] else "",
        "disposition": end,
        "planned": _code(encounter["priority"]) == "EL",
        "diagnoses": tuple(conditions[each["condition"]["reference"]] for each in ranked) or None,
        "return_planned": plans[0] if plans else None,
        "sensitive": any(each["code"] == "R" for each in encounter["meta"].get("security", ())),
        "died": patient.get("deceasedDateTime"),
    }
    for contact in patient.get("contact", ()):
        facts["contact"] = (contact["name"]["text"], FHIR_RELATIVES[_code(contact["relationship"][0])])
        if "telecom" in contact:
            facts["phone"] = (contact["telecom"][0]["value"], "relative")
    return facts


def _id(resource: Facts) -> str:
    return str(resource["identifier"][0]["value"])


def _code(concept: Facts) -> str:
    return str(concept["coding"][0]["code"])


def _local(text: str, zone: ZoneInfo) -> str:
    moment = datetime.fromisoformat(text)
    assert moment.utcoffset() == moment.astimezone(zone).utcoffset()
    return moment.replace(tzinfo=None).isoformat(" ", "minutes")
