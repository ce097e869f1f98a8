"""What PV1, PV2, DG1, PR1 and IN1 say about a stay."""

from __future__ import annotations

from typing import Final

from hcrm.intake.domain import RowRefused
from hcrm.intake.readers.csv_rows.values import clean, identifier, join_name, short_code
from hcrm.intake.readers.csv_rows.words import PLAN_31D, fold
from hcrm.intake.readers.hl7v2.reading import Gathering, Values
from hcrm.intake.readers.hl7v2.segments import Components, Segment
from hcrm.intake.readers.hl7v2.tables import PLANNED
from hcrm.patients.domain import EXPLICIT_NULL, Procedure

RETURN_PLAN: Final = "RP31"


def visit_number(pid: Segment, pv1: Segment | None) -> str:
    """The number of the visit: PV1-19, else the account in PID-18, else PV1-50; empty when there is none.

    Where the fields of PV1 are shifted, a doctor stands in PV1-19, whose number would make one visit of many patients.
    """
    places = [(pv1, 19), (pid, 18), (pv1, 50)]
    held = [segment.first(place) for segment, place in places if segment is not None]
    return next((number for each in held if not _is_person(each) and (number := identifier(each[1]))), "")


def _is_person(number: Components) -> bool:
    """A name where a number has its check digit."""
    return len(number[2]) > 1 and number[2].replace(" ", "").isalpha()


def stay_values(gathering: Gathering, pv1: Segment) -> Values:
    """The fields of a row that the segments about a visit mention."""
    values: Values = {
        "admitted_at": gathering.moment(pv1, 44, "admitted_at"),
        "discharged_at": gathering.moment(pv1, 45, "discharged_at"),
        **_class(gathering, pv1),
        **_place(gathering, pv1),
        **_clinician(pv1),
        **_ending(gathering, pv1),
        **_diagnoses(gathering),
        **_procedures(gathering),
        "payer": _payer(gathering),
        "sensitive": _sensitive(gathering),
        "readmission_plan_31d": _return_plan(gathering),
    }
    return {name: value for name, value in values.items() if value is not None}


def check_order(values: Values) -> None:
    """Raises ``RowRefused`` when the discharge is before the admission."""
    admitted, discharged = (values.get(name) for name in ("admitted_at", "discharged_at"))
    known = [each for each in (admitted, discharged) if each is not None and each is not EXPLICIT_NULL]
    if len(known) == 2 and known[1] < known[0]:
        raise RowRefused("discharge_before_admission", "discharged_at")


def _class(gathering: Gathering, pv1: Segment) -> Values:
    word = pv1.text(2)
    if not word:
        return {}
    encounter_class, post_acute, planned, review = gathering.reading.encounter_class(word)
    if review:
        gathering.remark("class", "unknown_class", value=word[:80])
    return {
        "encounter_class": encounter_class,
        "post_acute": post_acute,
        "planned": True if planned else PLANNED.get(pv1.text(4).upper()),
        "needs_review": review or None,
    }


def _place(gathering: Gathering, pv1: Segment) -> Values:
    """The ward (PV1-3), else the hospital service (PV1-10)."""
    if pv1.is_null(3):
        return {"department_code": EXPLICIT_NULL}
    place = pv1.first(3)
    code = place[1] or pv1.text(10)
    if not code:
        return {}
    name = place[9] if place[1] else pv1.text(10, 2)
    return {"department_code": short_code(code), "department_name": gathering.cut(name or code, 200, "department")}


def _clinician(pv1: Segment) -> Values:
    """The attending doctor (PV1-7)."""
    if pv1.is_null(7):
        return {"clinician_code": EXPLICIT_NULL}
    doctor = pv1.first(7)
    name = join_name(clean(doctor[2]), clean(doctor[3]))
    code = doctor[1] or name
    return {"clinician_code": short_code(code), "clinician_name": (name or clean(code))[:200]} if code else {}


def _ending(gathering: Gathering, pv1: Segment) -> Values:
    if pv1.is_null(36):
        return {"disposition": EXPLICIT_NULL}
    word = pv1.text(36)
    if not word:
        return {}
    disposition = gathering.reading.disposition(word) or gathering.reading.disposition(pv1.text(36, 2))
    if disposition is None:
        gathering.remark("disposition", "unknown_word", value=word[:80])
    return {"disposition": disposition}


def _diagnoses(gathering: Gathering) -> Values:
    """DG1: the one with priority 1 is the principal one, else the first final one, else the first."""
    segments = gathering.message.all("DG1")
    if segments and all(each.is_null(3) for each in segments):
        return {"principal_diagnosis": EXPLICIT_NULL, "diagnoses": ()}
    found = [(each, gathering.cut(_diagnosis(each), 400, "diagnoses")) for each in segments]
    named = [(each, text) for each, text in found if text]
    if not named:
        return {}
    principal = min(named, key=lambda pair: (pair[0].text(15) != "1", pair[0].text(6) != "F"))
    others = dict.fromkeys(text for each, text in named if each is not principal[0] and text != principal[1])
    return {"principal_diagnosis": principal[1], "diagnoses": tuple(others)}


def _diagnosis(segment: Segment) -> str:
    """Code and words, as far as there are any."""
    diagnosis = segment.first(3)
    words = clean(diagnosis[2] or segment.text(4))
    return " ".join(dict.fromkeys(filter(None, (clean(diagnosis[1]), words))))


def _procedures(gathering: Gathering) -> Values:
    segments = gathering.message.all("PR1")
    done = tuple(_procedure(gathering, each) for each in segments if each.text(3) or each.text(3, 2) or each.text(4))
    return {"procedures": done} if done else {}


def _procedure(gathering: Gathering, segment: Segment) -> Procedure:
    day = gathering.day(segment, 5, "procedures")
    words = segment.text(3, 2) or segment.text(4)
    code = gathering.cut(segment.text(3), 64, "procedures")
    return Procedure(code, gathering.cut(words, 400, "procedures"), None if day is EXPLICIT_NULL else day)


def _payer(gathering: Gathering) -> object:
    insurance = gathering.message.first("IN1")
    return None if insurance is None else gathering.text(insurance, 4, 200, "payer")


def _return_plan(gathering: Gathering) -> object:
    """OBX with the code RP31: whether another stay within 31 days is planned."""
    told = next((each for each in gathering.message.all("OBX") if each.text(3).upper() == RETURN_PLAN), None)
    if told is None:
        return None
    if told.is_null(5):
        return EXPLICIT_NULL
    answer = PLAN_31D.get(fold(told.text(5)))
    if answer is None and told.text(5):
        gathering.remark("readmission_plan_31d", "unknown_word", value=told.text(5)[:80])
    return answer


def _sensitive(gathering: Gathering) -> bool | None:
    """PV2-22: the visit is protected."""
    more = gathering.message.first("PV2")
    if more is None or more.text(22).upper() not in {"Y", "N"}:
        return None
    return more.text(22).upper() == "Y"
