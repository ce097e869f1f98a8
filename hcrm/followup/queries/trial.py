"""The discharges of a month, as plans look at them, and how long texts are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import String, func, select, type_coerce
from sqlalchemy.orm import Session

from hcrm.followup.domain.eligibility import PublishedPlan, StayFacts, is_surgical
from hcrm.followup.domain.plan import Plan
from hcrm.followup.domain.trial import Assumptions, Segments, Trial, TriedStay, try_plans
from hcrm.followup.queries.enrolment import CANDIDATE_COLUMNS, Candidate, emergency_visits
from hcrm.followup.queries.facts import stay_facts, stay_risk
from hcrm.followup.queries.home_visits import service_area
from hcrm.followup.queries.plan_versions import EditedPlan
from hcrm.followup.queries.plans import published_plans
from hcrm.messaging.domain import SAMPLE, closest_language, measure, render
from hcrm.messaging.queries import all_texts
from hcrm.organization.queries import calendar, departments, facility
from hcrm.patients.domain import EncounterStatus
from hcrm.patients.models import Encounter, Patient


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of a hospital; both days belong to it."""

    first: date
    last: date


def month_before(today: date) -> Month:
    """The calendar month before the one of ``today``."""
    last = today.replace(day=1) - timedelta(days=1)
    return Month(last.replace(day=1), last)


def month_to_try(session: Session, facility_id: int, today: date) -> Month:
    """The calendar month before the one of ``today``; where nobody went home in it, the newest one with discharges."""
    usual = month_before(today)
    newest = session.scalar(
        select(func.max(Encounter.discharged_on)).where(
            Encounter.facility_id == facility_id,
            Encounter.status == EncounterStatus.FINISHED,
            Encounter.discharged_on <= usual.last,
        )
    )
    if newest is None or newest >= usual.first:
        return usual
    following = (newest.replace(day=1) + timedelta(days=31)).replace(day=1)
    return Month(newest.replace(day=1), following - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class PastDischarges:
    """Stays that ended in a month; ``ends`` counts them by disposition."""

    month: Month
    stays: Sequence[TriedStay]
    ends: Counter[str]


def past_discharges(session: Session, facility_id: int, month: Month) -> PastDischarges:
    """The finished stays of a hospital that ended in the month, in the order of their ids."""
    rows = session.execute(
        select(*CANDIDATE_COLUMNS, type_coerce(Patient.language, String), Patient.address)
        .join(Patient, Patient.id == Encounter.patient_id)
        .where(
            Encounter.facility_id == facility_id,
            Encounter.status == EncounterStatus.FINISHED,
            Encounter.discharged_on.between(month.first, month.last),
        )
        .order_by(Encounter.id)
    ).all()
    area = service_area(session, facility_id)
    found = [(Candidate(*row), closest_language(language or ""), area.takes(home)) for *row, language, home in rows]
    visits = emergency_visits(session, [each.encounter_id for each, *_ in found])
    codes = {each.id: each.code for each in departments(session, facility_id).values()}
    stays = [
        TriedStay(each.person_id, _facts(each, codes, visits.get(each.encounter_id, 0)), language, in_area)
        for each, language, in_area in found
    ]
    return PastDischarges(month, stays, Counter(each.disposition for each, *_ in found))


def _facts(each: Candidate, codes: dict[int, str], visits: int) -> StayFacts:
    surgery = is_surgical(each.procedures) if each.procedures else False
    return stay_facts(each, codes.get(each.department_id or 0, ""), stay_risk(each, visits).level, surgery=surgery)


def text_segments(session: Session, plans: Sequence[Plan]) -> Segments:
    """How many text messages each text of these plans is, with usual values; a survey counts as its invitation."""
    invitations = {"survey_invite_sms"}
    wanted = {step.template for plan in plans for step in plan.steps if step.template} | invitations
    found = {
        (text.code, language): measure(render(version.body, SAMPLE, language).whole).segments
        for text in all_texts(session)
        if text.code in wanted
        for language, version in text.in_force.items()
    }
    asked = {code for plan in plans for step in plan.steps for _, code in step.questionnaires}
    for (code, language), segments in list(found.items()):
        if code in invitations:
            found.update({(each, language): segments for each in asked})
    return found


@dataclass(frozen=True, slots=True)
class Comparison:
    """A draft tried on a month, beside what is in force; ``ends`` counts the discharges by disposition."""

    month: Month
    ends: Counter[str]
    draft: Trial
    present: Trial


def plan_trial(
    session: Session, *, facility_id: int, edited: EditedPlan, month: Month, assumptions: Assumptions
) -> Comparison:
    """What the hospital's plans would have asked for in that month with this plan's draft, and with what is in force.

    All plans are compared, for other rules send patients from one plan to another.
    """
    present = published_plans(session, facility_id)
    wanted = with_draft(present, edited)
    past = past_discharges(session, facility_id, month)
    zone, workdays = facility(session, facility_id).zone, calendar(session, facility_id)
    segments = text_segments(session, [each.plan for each in (*present, *wanted)])
    tried = [try_plans(plans, past.stays, workdays, zone, assumptions, segments) for plans in (wanted, present)]
    return Comparison(month, past.ends, *tried)


def with_draft(present: Sequence[PublishedPlan], edited: EditedPlan) -> list[PublishedPlan]:
    """The plans in force with the shown version of ``edited`` in its place in the order."""
    shown = edited.shown
    mine = PublishedPlan(edited.id, shown.id, shown.version, shown.plan, shown.position)
    others = [each for each in present if each.plan.code != shown.plan.code]
    return sorted([*others, mine], key=lambda each: (each.position, each.plan.code))
