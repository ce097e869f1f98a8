"""A feed as FHIR R4: one Bundle (transaction) for each record, one on each line (NDJSON).

A Bundle holds the patient, the stay with its diagnoses, and whom and what they refer to; ``PUT`` makes each resource
the same one whenever it comes again. Times carry the offset of the hospital's time zone. ``Bundle.timestamp`` and
``Encounter.meta.lastUpdated`` say when the stay was as it is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hcrm.simulation.catalogue import DepartmentKind
from hcrm.simulation.generate.hl7 import control_id
from hcrm.simulation.generate.names import split_clinician
from hcrm.simulation.generate.parameters import Facility, Style
from hcrm.simulation.generate.records import Event, Person, Record, Stay
from hcrm.simulation.generate.rows import CHINESE

BASE = "https://{code}.example/fhir"
"""Addresses under ``.example`` are nobody's (RFC 2606)."""
TERMS = "http://terminology.hl7.org/CodeSystem/"
CLASSES = {
    "inpatient": ("IMP", "inpatient encounter"),
    "emergency": ("EMER", "emergency"),
    "day case": ("SS", "short stay"),
}
ENDS = {
    "home": "home", "home_care": "home", "hospice": "hosp", "other_facility": "other-hcf",
    "transfer_acute": "other-hcf", "against_advice": "aadvice", "expired": "exp", "unknown": "oth", "admitted": "oth",
    "left_without_being_seen": "aadvice", "left_before_completion": "aadvice",
}  # fmt: skip
"""The standard's own, coarser code beside ours."""
RELATIONSHIPS = {"mother": "MTH", "father": "FTH", "daughter": "DAUC", "son": "SONC"}
LANGUAGES = {"en": "en", "zh": "zh-CN"}
RETURN_PLAN = "{base}/StructureDefinition/readmission-planned-31d"
Resource = dict[str, Any]


class Bundles:
    """Writes the records of one hospital as Bundles."""

    def __init__(self, facility: Facility, style: Style, zone: str) -> None:
        self._chinese = style == "zh"
        self._facility = facility
        self._base = BASE.format(code=facility.code.lower())
        self._zone = ZoneInfo(zone)

    def text(self, records: Iterable[Record]) -> str:
        return "".join(
            json.dumps(self._bundle(record), ensure_ascii=False, separators=(",", ":")) + "\n" for record in records
        )

    def _bundle(self, record: Record) -> Resource:
        stay = record.stay
        patient = self._patient(stay.person)
        if record.event is Event.MERGED:
            resources = self._merge(record, patient)
        else:
            diagnoses = [] if record.event is Event.MOVED else (stay.diagnosis, *stay.other_diagnoses)
            resources = [
                self._hospital(), *self._places(stay), self._clinician(stay), patient,
                *(self._condition(stay, at, code) for at, code in enumerate(diagnoses, start=1)),
                self._encounter(record, len(diagnoses)),
            ]  # fmt: skip
        return {
            "resourceType": "Bundle",
            "id": control_id(record),
            "type": "transaction",
            "timestamp": self._time(record.event_at),
            "entry": [self._entry(resource) for resource in resources],
        }

    def _entry(self, resource: Resource) -> Resource:
        reference = f"{resource['resourceType']}/{resource['id']}"
        return {
            "fullUrl": f"{self._base}/{reference}",
            "resource": resource,
            "request": {"method": "PUT", "url": reference},
        }

    def _merge(self, record: Record, patient: Resource) -> list[Resource]:
        """The patient who stays and the one who is given up, each pointing to the other."""
        former = self._patient(record.stay.person._replace(mrn=record.former_mrn))
        former["active"] = False
        former["link"] = [{"other": {"reference": f"Patient/{patient['id']}"}, "type": "replaced-by"}]
        patient["link"] = [{"other": {"reference": f"Patient/{former['id']}"}, "type": "replaces"}]
        return [patient, former]

    def _hospital(self) -> Resource:
        return {
            "resourceType": "Organization",
            "id": self._facility.code,
            "identifier": [{"system": f"{self._base}/facility", "value": self._facility.code}],
            "active": True,
            "type": [_concept(f"{TERMS}organization-type", "prov", "Healthcare Provider")],
            **self._names(self._facility.name, self._facility.name_zh),
        }

    def _places(self, stay: Stay) -> list[Resource]:
        wards = {ward.code: ward for ward in (*(ward for ward, _ in stay.earlier), stay.department)}
        return [resource for ward in wards.values() for resource in (self._department(ward), self._ward(ward))]

    def _department(self, kind: DepartmentKind) -> Resource:
        return {
            "resourceType": "Organization",
            "id": kind.code,
            "identifier": [{"system": f"{self._base}/department", "value": kind.code}],
            "active": True,
            "type": [_concept(f"{TERMS}organization-type", "dept", "Hospital Department")],
            **self._names(kind.name, kind.name_zh),
            "partOf": {"reference": f"Organization/{self._facility.code}"},
        }

    def _names(self, name: str, name_zh: str) -> Resource:
        return {"name": name_zh, "alias": [name]} if self._chinese else {"name": name, "alias": [name_zh]}

    def _ward(self, kind: DepartmentKind) -> Resource:
        return {
            "resourceType": "Location",
            "id": kind.code,
            "status": "active",
            "name": kind.name_zh if self._chinese else kind.name,
            "managingOrganization": {"reference": f"Organization/{kind.code}"},
        }

    def _clinician(self, stay: Stay) -> Resource:
        code, name = stay.clinician
        family, given = split_clinician(name)
        return {
            "resourceType": "Practitioner",
            "id": code,
            "identifier": [{"system": f"{self._base}/clinician", "value": code}],
            "name": [{"text": name, "family": family, "given": [given]}],
        }

    def _patient(self, person: Person) -> Resource:
        own = person.phone_owner == "patient"
        resource: Resource = {
            "resourceType": "Patient",
            "id": person.mrn,
            "identifier": [
                {"type": _concept(f"{TERMS}v2-0203", "MR"), "system": f"{self._base}/mrn", "value": person.mrn}
            ],
            "active": True,
            "name": [{"use": "official", "family": person.family_name, "given": [person.given_name]}],
            "gender": person.sex,
            "birthDate": person.birth_date.isoformat(),
            "address": [{"use": "home", "text": person.address}],
            "communication": [{"language": _concept("urn:ietf:bcp:47", LANGUAGES[person.language]), "preferred": True}],
        }
        if own and person.phone:
            resource["telecom"] = [_telecom(person)]
        if person.contact_name:
            resource["contact"] = [_contact(person, chinese=self._chinese)]
        if person.deceased_on:
            resource["deceasedDateTime"] = person.deceased_on.isoformat()
        return resource

    @staticmethod
    def _condition(stay: Stay, at: int, code: str) -> Resource:
        return {
            "resourceType": "Condition",
            "id": f"{stay.visit_number}.{at}",
            "clinicalStatus": _concept(f"{TERMS}condition-clinical", "active"),
            "verificationStatus": _concept(f"{TERMS}condition-ver-status", "confirmed"),
            "category": [_concept(f"{TERMS}condition-category", "encounter-diagnosis")],
            "code": _concept("http://hl7.org/fhir/sid/icd-10", code),
            "subject": {"reference": f"Patient/{stay.person.mrn}"},
            "encounter": {"reference": f"Encounter/{stay.visit_number}"},
        }

    def _encounter(self, record: Record, diagnoses: int) -> Resource:
        stay = record.stay
        period = {"start": self._time(stay.admitted_at)}
        if stay.discharged_at:
            period["end"] = self._time(stay.discharged_at)
        code, display = CLASSES[stay.department.encounter_class]
        resource: Resource = {
            "resourceType": "Encounter",
            "id": stay.visit_number,
            "meta": {"lastUpdated": self._time(record.event_at)},
            "identifier": [
                {
                    "type": _concept(f"{TERMS}v2-0203", "VN"),
                    "system": f"{self._base}/visit",
                    "value": stay.visit_number,
                }
            ],
            "status": _status(record),
            "class": {"system": f"{TERMS}v3-ActCode", "code": code, "display": display},
            "priority": _concept(f"{TERMS}v3-ActPriority", *(("EL", "elective") if stay.planned else ("UR", "urgent"))),
            "subject": {"reference": f"Patient/{stay.person.mrn}"},
            "participant": [
                {
                    "type": [_concept(f"{TERMS}v3-ParticipationType", "ATND", "attender")],
                    "individual": {"reference": f"Practitioner/{stay.clinician[0]}", "display": stay.clinician[1]},
                }
            ],
            "period": period,
            "location": self._locations(stay),
            "serviceProvider": {"reference": f"Organization/{stay.department.code}"},
        }
        if stay.department.sensitive:
            resource["meta"]["security"] = [{"system": f"{TERMS}v3-Confidentiality", "code": "R"}]
        if diagnoses:
            resource["diagnosis"] = [
                {
                    "condition": {"reference": f"Condition/{stay.visit_number}.{at}"},
                    "use": _concept(f"{TERMS}diagnosis-role", "DD" if stay.discharged_at else "AD"),
                    "rank": at,
                }
                for at in range(1, diagnoses + 1)
            ]
        if stay.disposition:
            resource["hospitalization"] = {"dischargeDisposition": self._disposition(stay.disposition)}
            resource["extension"] = [{"url": RETURN_PLAN.format(base=self._base), "valueBoolean": stay.return_planned}]
        return resource

    def _locations(self, stay: Stay) -> list[Resource]:
        """The wards of a stay in their order, each with its time."""
        wards = [*stay.earlier, (stay.department, stay.moved_at or stay.admitted_at)]
        ends = [since for _, since in wards[1:]] + [stay.discharged_at]
        return [
            {
                "location": {"reference": f"Location/{ward.code}"},
                "status": "completed" if end else "active",
                "period": {"start": self._time(since)} | ({"end": self._time(end)} if end else {}),
            }
            for (ward, since), end in zip(wards, ends, strict=True)
        ]

    def _disposition(self, disposition: str) -> Resource:
        standard = {"system": f"{TERMS}discharge-disposition", "code": ENDS[disposition]}
        return {"coding": [standard, {"system": f"{self._base}/disposition", "code": disposition}]}

    def _time(self, moment: datetime) -> str:
        return moment.replace(tzinfo=self._zone).isoformat()


def _status(record: Record) -> str:
    if record.event is Event.VISIT_CANCELLED:
        return "entered-in-error"
    return "finished" if record.stay.discharged_at else "in-progress"


def _concept(system: str, code: str, display: str = "") -> Resource:
    coding = {"system": system, "code": code}
    return {"coding": [coding | ({"display": display} if display else {})]}


def _telecom(person: Person) -> Resource:
    use = {"mobile": {"use": "mobile"}, "landline": {"use": "home"}}.get(person.phone_kind, {})
    return {"system": "phone", "value": person.phone, **use}


def _contact(person: Person, *, chinese: bool) -> Resource:
    relationship = person.contact_relationship
    word = CHINESE[relationship] if chinese else relationship
    contact: Resource = {
        "relationship": [
            {**_concept(f"{TERMS}v3-RoleCode", RELATIONSHIPS[relationship]), "text": word},
        ],
        "name": {"text": person.contact_name},
    }
    if person.phone_owner != "patient" and person.phone:
        contact["telecom"] = [_telecom(person)]
    return contact
