"""What a day left behind, as plain rows: the simulation's own look, which shares nothing with what it checks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

_DELIVERIES = """
SELECT d.id, d.delivered_at, m.id AS message_id, m.in_reply_to
FROM console_delivery AS d
JOIN send_attempt AS a ON a.id = d.attempt_id
JOIN outbox_message AS m ON m.id = a.message_id
WHERE d.id > :after AND m.purpose <> 'staff'
ORDER BY d.id
"""
_TO_THE_DEAD = """
SELECT d.id
FROM console_delivery AS d
JOIN send_attempt AS a ON a.id = d.attempt_id
JOIN outbox_message AS m ON m.id = a.message_id
JOIN patient AS p ON p.id = m.patient_id
WHERE d.id > :after AND EXISTS (
    SELECT FROM patient AS same
    JOIN encounter AS e ON e.patient_id = same.id AND e.disposition = 'expired' AND e.status = 'finished'
    WHERE same.person_id = p.person_id AND e.discharged_at < CAST(:morning AS timestamptz)
    UNION ALL
    SELECT FROM patient AS same
    WHERE same.person_id = p.person_id AND same.deceased_state = 'confirmed' AND same.deceased_on < :today
    UNION ALL
    SELECT FROM patient AS same
    JOIN task AS t ON t.patient_id = same.id
    JOIN attempt AS c ON c.task_id = t.id AND c.disposition = 'reported_deceased'
    WHERE same.person_id = p.person_id AND c.ended_at < d.delivered_at
)
ORDER BY d.id
"""
_TO_THE_STOPPED = """
SELECT d.id
FROM console_delivery AS d
JOIN send_attempt AS a ON a.id = d.attempt_id
JOIN outbox_message AS m ON m.id = a.message_id
WHERE d.id > :after AND m.template_code <> 'stop_confirm' AND EXISTS (
    SELECT FROM inbound_message AS i
    WHERE i.facility_id = m.facility_id AND i.from_number = d.to_number AND i.received_at < d.delivered_at
      AND upper(trim(i.body)) = ANY(:stops)
)
ORDER BY d.id
"""
_TWICE = """
SELECT m.id
FROM console_delivery AS d
JOIN send_attempt AS a ON a.id = d.attempt_id
JOIN outbox_message AS m ON m.id = a.message_id
WHERE m.id IN (
    SELECT a2.message_id FROM console_delivery AS d2 JOIN send_attempt AS a2 ON a2.id = d2.attempt_id
    WHERE d2.id > :after
)
GROUP BY m.id HAVING count(*) > 1
ORDER BY m.id
"""
_STUCK = """
SELECT id FROM outbox_message WHERE status IN ('sending', 'unknown')
UNION ALL
SELECT id FROM outbox_message
WHERE status IN ('scheduled', 'queued', 'temporary_failure') AND next_try_at <= :looked_at
"""
_NOT_TOLD = """
SELECT m.id
FROM console_delivery AS d
JOIN send_attempt AS a ON a.id = d.attempt_id
JOIN outbox_message AS m ON m.id = a.message_id
WHERE d.id > :after AND m.status NOT IN ('delivered', 'read')
ORDER BY m.id
"""
_NOT_ARRIVED = """
SELECT number FROM unnest(CAST(:numbers AS text[])) AS number
WHERE NOT EXISTS (SELECT FROM encounter WHERE facility_id = :facility AND visit_number = number)
"""
_STAYS = """
SELECT visit_number, status, discharged_at, disposition, principal_diagnosis FROM encounter
WHERE facility_id = :facility AND visit_number = ANY(:numbers)
"""
_REFUSED = """
SELECT id FROM import_batch
WHERE facility_id = :facility AND created_at >= :morning
  AND (status <> 'finished' OR CAST(counts ->> 'rejected' AS int) > 0)
ORDER BY id
"""
_LEFT_WAITING = """
SELECT id FROM interface_message
WHERE facility_id = :facility AND status = 'waiting' AND received_at < :morning
ORDER BY id
"""
_TWO_PERSONS = """
SELECT former FROM unnest(CAST(:former AS text[]), CAST(:mrns AS text[])) AS merged(former, mrn)
WHERE NOT EXISTS (
    SELECT FROM patient_identifier AS i JOIN patient AS p ON p.id = i.patient_id
    JOIN patient_identifier AS j ON j.facility_id = i.facility_id AND j.system = 'mrn' AND j.value = mrn
    JOIN patient AS q ON q.id = j.patient_id AND q.person_id = p.person_id
    WHERE i.facility_id = :facility AND i.system = 'mrn' AND i.value = former)
"""
_ABOUT_CANCELLED = """
SELECT d.id
FROM console_delivery AS d
JOIN send_attempt AS a ON a.id = d.attempt_id
JOIN outbox_message AS m ON m.id = a.message_id
JOIN encounter AS e ON e.id = m.encounter_id AND e.status = 'cancelled'
WHERE d.id > :after AND m.task_id IS NOT NULL AND m.in_reply_to IS NULL
ORDER BY d.id
"""
_PLANS_OF_CANCELLED = """
SELECT n.id FROM enrolment AS n
JOIN encounter AS e ON e.id = n.encounter_id AND e.status = 'cancelled'
WHERE e.facility_id = :facility AND e.visit_number = ANY(:numbers)
  AND (n.status = 'active' OR EXISTS (
      SELECT FROM task AS t WHERE t.enrolment_id = n.id AND t.status IN ('open', 'on_hold')))
"""
_WITHOUT_PLAN = """
SELECT e.id FROM encounter AS e
JOIN patient AS p ON p.id = e.patient_id
WHERE e.facility_id = :facility AND e.visit_number = ANY(:numbers) AND e.status = 'finished'
  AND e.disposition IN ('home', 'home_care', 'other_facility', 'against_advice')
  AND e.class IN ('IMP', 'SS', 'OBSENC') AND p.deceased_state = 'none'
  AND NOT EXISTS (SELECT FROM enrolment AS n WHERE n.encounter_id = e.id)
"""
_STEPS_MISSING = """
SELECT n.id FROM enrolment AS n
JOIN encounter AS e ON e.id = n.encounter_id
JOIN plan ON plan.id = n.plan_id AND plan.code = 'three_level'
WHERE e.facility_id = :facility AND e.visit_number = ANY(:numbers) AND (
    SELECT count(DISTINCT t.step_code) FILTER (WHERE t.step_code IN ('welcome', 'survey', 'survey_phone'))
         + count(*) FILTER (WHERE t.step_code IN ('clinical_call', 'high_risk_call'))
    FROM task AS t WHERE t.enrolment_id = n.id) <> 4
"""
_NOT_HANDED_OVER = """
SELECT id FROM task
WHERE status = 'open' AND channel = 'sms' AND sent_message_id IS NULL
  AND window_starts_at <= :looked_at AND due_at > :looked_at
"""
_CONTRADICTORY = """
SELECT id FROM task
WHERE discharged_on > :since AND (
    (status IN ('completed', 'failed', 'cancelled') AND ended_at IS NULL)
    OR (status IN ('open', 'on_hold') AND ended_at IS NOT NULL)
    OR (status IN ('failed', 'cancelled') AND reason IS NULL)
    OR (status = 'completed' AND completed_at IS NULL))
"""
_ENDED_TOO_EARLY = """
SELECT n.id FROM enrolment AS n
WHERE n.discharged_on > :since AND n.status = 'completed'
  AND EXISTS (SELECT FROM task AS t WHERE t.enrolment_id = n.id AND t.status IN ('open', 'on_hold'))
"""
_CALLS_MISCOUNTED = """
SELECT t.id FROM task AS t
WHERE t.discharged_on > :since AND t.channel IN ('phone', 'home_visit') AND t.attempt_count <> (
    SELECT count(*) FROM attempt AS a WHERE a.task_id = t.id)
"""
_TASKS_DUE = """
SELECT status, reason, questionnaire_code, due_at, due_on, ended_at, first_attempt_at, reached_at, completed_at
FROM task WHERE facility_id = :facility AND due_on BETWEEN :first AND :last
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One text on a phone. ``in_reply_to`` is the phone's own text that it answers."""

    id: int
    delivered_at: datetime
    message_id: int
    in_reply_to: int | None


class StayStored(NamedTuple):
    """A stay as it is stored."""

    visit_number: str
    status: str
    discharged_at: datetime | None
    disposition: str
    diagnosis: str | None


@dataclass(frozen=True, slots=True)
class TaskDue:
    """A task as it is stored."""

    status: str
    reason: str | None
    questionnaire_code: str | None
    due_at: datetime
    due_on: date
    ended_at: datetime | None
    first_attempt_at: datetime | None
    reached_at: datetime | None
    completed_at: datetime | None


def newest_text_before(session: Session, moment: datetime) -> int:
    """The id of the last text that reached a phone before ``moment``; 0 when none had."""
    statement = text("SELECT coalesce(max(id), 0) FROM console_delivery WHERE delivered_at < :moment")
    return int(session.execute(statement, {"moment": moment}).scalar_one())


def deliveries(session: Session, after: int) -> list[Delivery]:
    """Texts that reached patients after the one with the id ``after``."""
    return [Delivery(*row) for row in session.execute(text(_DELIVERIES), {"after": after})]


def texts_to_the_dead(session: Session, after: int, morning: datetime) -> list[int]:
    """Texts to persons who had died before ``morning`` by the records, or of whose death a caller had been told."""
    values = {"after": after, "morning": morning, "today": morning.date()}
    return list(session.scalars(text(_TO_THE_DEAD), values))


def texts_to_the_stopped(session: Session, after: int, stops: Collection[str]) -> list[int]:
    """Texts to numbers that had written one of ``stops`` before, other than the confirmation."""
    return list(session.scalars(text(_TO_THE_STOPPED), {"after": after, "stops": list(stops)}))


def sent_twice(session: Session, after: int) -> list[int]:
    """Messages of which more than one text reached a phone."""
    return list(session.scalars(text(_TWICE), {"after": after}))


def not_told(session: Session, after: int) -> list[int]:
    """Messages whose text is on a phone and that do not stand as delivered."""
    return list(session.scalars(text(_NOT_TOLD), {"after": after}))


def stuck_messages(session: Session, looked_at: datetime) -> list[int]:
    """Messages of which nobody knows the fate, or that were due when the worker looked and were passed over."""
    return list(session.scalars(text(_STUCK), {"looked_at": looked_at}))


def not_arrived(session: Session, facility_id: int, visit_numbers: Collection[str]) -> list[str]:
    """Visits of the feed that are not in the database."""
    return list(session.scalars(text(_NOT_ARRIVED), {"facility": facility_id, "numbers": list(visit_numbers)}))


def stays(session: Session, facility_id: int, visit_numbers: Collection[str]) -> list[StayStored]:
    """These visits as they are stored."""
    rows = session.execute(text(_STAYS), {"facility": facility_id, "numbers": list(visit_numbers)})
    return [StayStored(*row) for row in rows]


def refused_batches(session: Session, facility_id: int, morning: datetime) -> list[int]:
    """Imports since ``morning`` that did not end, or of which records were refused."""
    return list(session.scalars(text(_REFUSED), {"facility": facility_id, "morning": morning}))


def left_waiting(session: Session, facility_id: int, morning: datetime) -> list[int]:
    """Messages that came before ``morning`` and still wait for what they refer to."""
    return list(session.scalars(text(_LEFT_WAITING), {"facility": facility_id, "morning": morning}))


def two_persons(session: Session, facility_id: int, merges: Sequence[tuple[str, str]]) -> list[str]:
    """The former of those pairs of numbers whose patients are not one person."""
    former, mrns = [pair[0] for pair in merges], [pair[1] for pair in merges]
    return list(session.scalars(text(_TWO_PERSONS), {"facility": facility_id, "former": former, "mrns": mrns}))


def texts_about_cancelled(session: Session, after: int) -> list[int]:
    """Texts of plans that reached a phone, about stays that had been entered in error."""
    return list(session.scalars(text(_ABOUT_CANCELLED), {"after": after}))


def plans_of_cancelled(session: Session, facility_id: int, visit_numbers: Collection[str]) -> list[int]:
    """Plans of these visits that go on though the stay was entered in error."""
    return list(session.scalars(text(_PLANS_OF_CANCELLED), {"facility": facility_id, "numbers": list(visit_numbers)}))


def without_plan(session: Session, facility_id: int, visit_numbers: Collection[str]) -> list[int]:
    """Stays that went home alive and have no plan."""
    return list(session.scalars(text(_WITHOUT_PLAN), {"facility": facility_id, "numbers": list(visit_numbers)}))


def steps_missing(session: Session, facility_id: int, visit_numbers: Collection[str]) -> list[int]:
    """Plans that lack one of the steps that everybody gets, or have both first calls."""
    return list(session.scalars(text(_STEPS_MISSING), {"facility": facility_id, "numbers": list(visit_numbers)}))


def not_handed_over(session: Session, looked_at: datetime) -> list[int]:
    """Steps by text whose window had begun when the worker looked, and that it passed over."""
    return list(session.scalars(text(_NOT_HANDED_OVER), {"looked_at": looked_at}))


def contradictory(session: Session, since: date) -> list[int]:
    """Tasks of discharges after ``since`` that ended without a time or a reason, or are open and have ended."""
    return list(session.scalars(text(_CONTRADICTORY), {"since": since}))


def ended_too_early(session: Session, since: date) -> list[int]:
    """Plans of discharges after ``since`` that count as done while something is open."""
    return list(session.scalars(text(_ENDED_TOO_EARLY), {"since": since}))


def calls_miscounted(session: Session, since: date) -> list[int]:
    """Calls and visits of discharges after ``since`` whose count is not the number of attempts recorded."""
    return list(session.scalars(text(_CALLS_MISCOUNTED), {"since": since}))


def tasks_due(session: Session, facility_id: int, first: date, last: date) -> list[TaskDue]:
    """Tasks whose window ends in the days given."""
    rows = session.execute(text(_TASKS_DUE), {"facility": facility_id, "first": first, "last": last})
    return [TaskDue(*row) for row in rows]
