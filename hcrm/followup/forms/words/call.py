"""Sentences of the call screen: the stay, the numbers, what to say, why the task is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from hcrm.followup.domain.alerts import say_code
from hcrm.followup.domain.plan import Condition, PerformerRole
from hcrm.followup.domain.risk import RiskAssessment
from hcrm.followup.domain.task import BusinessStatus, TaskReason, TaskStatus
from hcrm.followup.forms.labels import CONNECTIONS, DISPOSITIONS, REASONS, RISK_PARTS, RISKS, STEPS
from hcrm.followup.forms.words.lists import inside, moment, owner_words, sentence, short_day, time_left
from hcrm.followup.models import AlertRow, AttemptRow, TaskRow
from hcrm.followup.queries.call import CallView, Number
from hcrm.followup.readers import diagnosis_words
from hcrm.messaging.domain import MessageSnapshot, MessageStatus
from hcrm.organization.domain import FacilitySnapshot
from hcrm.patients.domain import Disposition as Departure
from hcrm.patients.domain import EncounterSnapshot, LineType, OwnerKind, PatientSnapshot
from hcrm.survey.domain import Text
from hcrm.survey.readers import CallScript
from hcrm.web import gettext as _
from hcrm.web import language, ngettext

CHILD_BELOW = 14
CALL_BACK_HOURS = range(8, 20)
"""The hours of today at which a call-back is offered; any other can be entered."""


def is_child(patient: PatientSnapshot, today: date) -> bool:
    """Reached through a parent."""
    age = patient.age_on(today)
    return age is not None and age < CHILD_BELOW


def spoken(text: Text, facility: FacilitySnapshot, language_code: str) -> str:
    """A text of the script in a language, with the hospital's name and numbers in it."""
    values = {
        "{hospital}": facility.name_in(language_code),
        "{phone}": facility.phone,
        "{ward_phone}": facility.phone,
        "{emergency}": facility.emergency_number,
    }
    said = text.in_language(language_code)
    for placeholder, value in values.items():
        said = said.replace(placeholder, value)
    return said


def alert_until(alert: AlertRow, now: datetime, zone: ZoneInfo) -> str:
    """Who has to answer the alert, and until when."""
    return _(
        "Somebody has to answer it %(when)s (%(left)s).",
        when=_("by %(moment)s", moment=moment(alert.due_at, now, zone)),
        left=inside(time_left(alert.due_at, now)),
    )


def words_to_say(
    alert: AlertRow, script: CallScript, facility: FacilitySnapshot, language_code: str, now: datetime, zone: ZoneInfo
) -> str:
    """What the caller says at once when an answer raised an alert, in the language of the call."""
    code = say_code(alert.severity, alert.question_code)
    danger = script.step("danger").said
    if code == "emergency" and danger is not None:
        return spoken(danger, facility, language_code)
    chinese = language_code.startswith("zh")
    until = _spoken_time(alert.due_at, language_code, now, zone)
    if code == "call_back":
        if chinese:
            return f"“我请医生看后，{until}前给您回电话。”"
        return f"“I will ask the doctor to look at this, and we will call you back by {until}.”"
    return (
        "“我已记下，会请同事与您联系。”"
        if chinese
        else "“I have noted this, and somebody will get back to you about it.”"
    )


def _spoken_time(at: datetime, language_code: str, now: datetime, zone: ZoneInfo) -> str:
    """``14:46``, ``12:00 tomorrow`` or ``12:00 on Tuesday``, in the language of the call."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    clock, ahead = local.strftime("%H:%M"), (local.date() - today).days
    if ahead <= 0:
        return clock
    if language_code.startswith("zh"):
        day = "明天" if ahead == 1 else format_date(local.date(), "EEEE", locale="zh_Hans")
        return f"{day}{clock}"
    return f"{clock} tomorrow" if ahead == 1 else f"{clock} on {format_date(local.date(), 'EEEE', locale='en')}"


def risk_words(risk: RiskAssessment) -> str:
    """What the risk is made of, and what is not known."""
    known = _(", ").join(
        _("%(part)s %(points)s", part=RISK_PARTS[part], points=points) for part, points in risk.points if points
    )
    text = _("LACE %(score)s points", score=risk.score) + (_(": ") + known if known else "")
    if risk.missing:
        unknown = _(", ").join(str(RISK_PARTS[part]) for part in risk.missing)
        text += _("; not known: %(parts)s", parts=unknown)
    return text + _(".")


def callback_times(now: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Times that people often ask for, in the facility's zone: in one and in three hours, tomorrow at 10 and at 15."""
    local = now.astimezone(zone)
    half_hour = local.replace(minute=local.minute // 30 * 30, second=0, microsecond=0) + timedelta(minutes=30)
    today = (half_hour + timedelta(hours=hours) for hours in (1, 3))
    tomorrow = local.date() + timedelta(days=1)
    later = (datetime.combine(tomorrow, time(hour), zone) for hour in (10, 15))
    return (*(at for at in today if at.date() == local.date() and at.hour in CALL_BACK_HOURS), *later)


def diagnosis(recorded: str) -> str:
    """The reason of a stay in words with its code, where it is recorded as a code that is known."""
    said = diagnosis_words(recorded, language())
    return _("%(words)s (%(code)s)", words=sentence(said), code=recorded) if said else recorded


def stay_words(stay: EncounterSnapshot) -> str:
    """From when to when, how many nights, and where the patient went."""
    if stay.discharged_on is None:
        return _("not finished")
    days = short_day(stay.discharged_on)
    if stay.admitted_on is not None and stay.admitted_on != stay.discharged_on:
        nights = (stay.discharged_on - stay.admitted_on).days
        days = _(
            "%(first)s – %(last)s, %(nights)s",
            first=short_day(stay.admitted_on),
            last=days,
            nights=ngettext("%(num)s night", "%(num)s nights", nights),
        )
    went = DEPARTURES.get(stay.disposition)
    return days if went is None else _(", ").join((days, went()))


DEPARTURES = {
    Departure.HOME: lambda: _("went home"),
    Departure.HOME_CARE: lambda: _("went home with care"),
    Departure.OTHER_FACILITY: lambda: _("went to another institution"),
    Departure.TRANSFER_ACUTE: lambda: _("transferred to another hospital"),
    Departure.AGAINST_ADVICE: lambda: _("left against advice"),
}


def number_words(number: Number, now: datetime, zone: ZoneInfo) -> str:
    """Whose number it is, whether it was verified, whether health may be discussed, and the last call to it."""
    contact = number.contact
    parts = [owner_words(contact)]
    if number.shared_by > 1:
        parts.append(_("shared by %(count)s patients: ask for the full name first", count=number.shared_by))
    if contact.owner_kind is not OwnerKind.PATIENT:
        allowed = _("may be told about health") if contact.may_discuss_health else _("not to be told about health")
        parts.append(allowed)
    if contact.line_type is LineType.LANDLINE and contact.owner_kind is not OwnerKind.PATIENT:
        parts.append(_("landline"))
    if contact.verified_on is not None:
        parts.append(_("verified %(day)s", day=short_day(contact.verified_on)))
    if number.first and contact.usable:
        parts.append(_("try this one first"))
    if number.last is not None:
        parts.append(
            _(
                "%(when)s %(outcome)s",
                when=moment(number.last.started_at, now, zone),
                outcome=outcome_words(number.last),
            )
        )
    return sentence(_(", ").join(parts)) + _(".")


def outcome_words(attempt: AttemptRow) -> str:
    """What a call came to."""
    label = CONNECTIONS[attempt.connection] if attempt.disposition is None else DISPOSITIONS[attempt.disposition]
    return inside(str(label))


def message_state(message: MessageSnapshot) -> str:
    """How far a text message got."""
    words = {
        MessageStatus.SCHEDULED: _("waits for its time"),
        MessageStatus.QUEUED: _("waits to be sent"),
        MessageStatus.SENDING: _("is being sent"),
        MessageStatus.ACCEPTED: _("accepted by the provider"),
        MessageStatus.SENT: _("sent, no receipt yet"),
        MessageStatus.DELIVERED: _("delivered"),
        MessageStatus.READ: _("read"),
        MessageStatus.TEMPORARY_FAILURE: _("not delivered, will be tried again"),
        MessageStatus.PERMANENT_FAILURE: _("could not be delivered"),
        MessageStatus.EXPIRED: _("not sent in time"),
        MessageStatus.CANCELLED: _("withdrawn"),
        MessageStatus.SUPPRESSED: _("held back"),
    }
    return words.get(message.status, _("no evidence that it was sent"))


def ended_words(task: TaskRow, ended_by: str | None, now: datetime, zone: ZoneInfo) -> str:
    """When a task ended, and by whom."""
    if task.ended_at is None:
        return ""
    when = moment(task.ended_at, now, zone)
    if ended_by:
        return sentence(_("%(when)s, by %(name)s.", when=when, name=ended_by))
    return sentence(_("%(when)s, by the hospital's records or the patient's answer.", when=when))


def _why_in_plan(task: TaskRow, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    """What the plan has done with the task since: repeated, asked for by an answer, gone on, held."""
    if task.occurrence > 1:
        yield _("It comes for the %(number)s. time.", number=task.occurrence)
    if task.condition is Condition.IF_ANSWER and task.after_step_code is not None:
        earlier = STEPS.get(task.after_step_code, task.after_step_code)
        yield _("Only because of an answer in this earlier step: %(step)s.", step=earlier)
    if task.business_status is BusinessStatus.ESCALATED:
        yield _("Nobody was reached in two half-days: it goes on until %(last)s.", last=moment(task.due_at, now, zone))
    if task.status is TaskStatus.ON_HOLD and task.reason is TaskReason.READMITTED:
        yield _("On hold: the patient is on a ward; the plan goes on after the stay.")


def why(task: TaskRow, view: CallView, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    """Why the task is there or not: the rule, the fact, the time."""
    english, chinese = view.step_name
    name = STEPS.get(task.step_code) or (chinese if view.patient.language.value == "zh_Hans" else english)
    yield _("Discharged %(day)s; the plan has the step “%(step)s”.", day=short_day(task.discharged_on), step=name)
    yield _(
        "Its window runs from %(first)s to %(last)s, best %(target)s.",
        first=moment(task.window_starts_at, now, zone),
        last=moment(task.due_at, now, zone),
        target=moment(task.target_at, now, zone),
    )
    yield _("%(risk)s when the plan was made.", risk=RISKS[task.risk])
    if task.performer_role is PerformerRole.SERVICE_AGENT:
        yield _("Done by the service centre: a ward does not ask about itself.")
    if task.condition is Condition.IF_NOT_COMPLETED and task.after_step_code is not None:
        earlier = STEPS.get(task.after_step_code, task.after_step_code)
        yield _("Only while this earlier step is not completed: %(step)s.", step=earlier)
    yield from _why_in_plan(task, now, zone)
    if task.status is not TaskStatus.OPEN and task.ended_at is not None:
        reason = REASONS[task.reason or TaskReason.OTHER] if task.reason else _("done")
        yield _("Ended %(when)s: %(reason)s.", when=moment(task.ended_at, now, zone), reason=inside(str(reason)))
    if task.callback_at is not None and task.callback_at > now:
        yield _("It waits until %(when)s.", when=moment(task.callback_at, now, zone))
