"""Sentences that a row of the work list, the call screen or an alert puts together from facts and the time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
from babel import Locale
from babel.dates import format_date

from hcrm.followup.domain.alerts import Rung
from hcrm.followup.domain.attempts import Consequence
from hcrm.followup.domain.task import BusinessStatus, TaskReason, TaskStatus
from hcrm.followup.domain.worklist import WorkGroup
from hcrm.followup.forms.labels import (
    ATTEMPT_PROBLEMS,
    CONNECTIONS,
    DISPOSITIONS,
    REASONS,
    RULES,
    STEPS,
    SUBJECTS,
    WORD_LISTS,
)
from hcrm.followup.models import AlertRow, TaskRow
from hcrm.followup.queries.alerts import AlertItem, Asked
from hcrm.followup.queries.rows import LastAttempt
from hcrm.patients.domain import ContactSnapshot, LineType, OwnerKind, PatientSnapshot, Sex
from hcrm.survey.domain import JOINED_RULE, NPS_TEXTS, SCALE_TEXTS, AnswerValue, Mode, Question, QuestionKind
from hcrm.web import gettext as _
from hcrm.web import language, local_time, ngettext

_DAY = {"en": "EEE d MMM", "zh_Hans": "M月d日 EEE"}
TOLD_SHOWN = 3
"""How many of those who were told of an alert are named."""


def short_day(day: date) -> str:
    """``Sun 22 Nov`` · ``11月22日 周日``."""
    return _short_day(day, language())


@lru_cache(maxsize=2048)
def _short_day(day: date, language_code: str) -> str:
    return format_date(day, _DAY[language_code], locale=Locale.parse(language_code))


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """``today 10:20``, ``yesterday 16:20`` or ``Fri 20 Nov 14:05``."""
    day, today = at.astimezone(zone).date(), now.astimezone(zone).date()
    time = local_time(at, zone)
    if day == today:
        return _("today %(time)s", time=time)
    if day == today - timedelta(days=1):
        return _("yesterday %(time)s", time=time)
    if day == today + timedelta(days=1):
        return _("tomorrow %(time)s", time=time)
    return _("%(day)s %(time)s", day=short_day(day), time=time)


def sentence(text: str) -> str:
    """With a capital at the beginning."""
    return text[:1].upper() + text[1:]


def inside(text: str) -> str:
    """With a small letter at the beginning, as inside a sentence."""
    return text[:1].lower() + text[1:]


def step_label(task: TaskRow, names: dict[str, tuple[str, str]] | None = None) -> str:
    """What a step is called in the language of the page."""
    if task.step_code in STEPS:
        return str(STEPS[task.step_code])
    english, chinese = (names or {}).get(task.step_code, (task.step_code, task.step_code))
    return chinese if language() == "zh_Hans" else english


def tier_label(tier: int | None) -> str:
    """``Tier 1`` · ``一级``; empty for a step without a tier."""
    words = {1: _("Tier 1"), 2: _("Tier 2"), 3: _("Tier 3")}
    return words.get(tier or 0, "")


def sex_and_age(patient: PatientSnapshot, today: date) -> str:
    """``72, woman`` · ``女，72岁``; what is not known is left out."""
    age = patient.age_on(today)
    child = age is not None and age < 14
    sexes = {
        Sex.FEMALE: _("girl") if child else _("woman"),
        Sex.MALE: _("boy") if child else _("man"),
        Sex.OTHER: _("other sex"),
    }
    sex = sexes.get(patient.sex)
    if age is None:
        return sex or _("age not known")
    return _("%(age)s, %(sex)s", age=age, sex=sex) if sex else _("%(age)s years", age=age)


def day_after(days: int) -> str:
    """``Day 3``, counted from the discharge."""
    return _("Day %(days)s", days=days)


def due_words(task: TaskRow, group: WorkGroup | None, now: datetime, zone: ZoneInfo) -> str:
    """Until when the task is to be done, or why it waits."""
    if task.status is not TaskStatus.OPEN:
        return _("Done %(when)s", when=moment(task.completed_at, now, zone)) if task.completed_at else ""
    if task.callback_at is not None and (task.callback_at > now or group is WorkGroup.CALLBACK):
        when = moment(task.callback_at, now, zone)
        asked = task.business_status is BusinessStatus.CALLBACK_SCHEDULED
        return _("Asked for %(when)s", when=when) if asked else _("Try again %(when)s", when=when)
    if group is WorkGroup.OVERDUE:
        return _("Window ended %(day)s", day=short_day(task.due_on))
    today = now.astimezone(zone).date()
    if task.due_on == today:
        return _("Until today %(time)s", time=local_time(task.due_at, zone))
    if task.target_at.astimezone(zone).date() == today:
        return _("Target today, until %(day)s", day=short_day(task.due_on))
    return _("Until %(day)s", day=short_day(task.due_on))


def attempt_words(last: LastAttempt | None, now: datetime, zone: ZoneInfo) -> str:
    """When it was tried last and what it came to."""
    if last is None:
        return _("Not tried yet")
    outcome = CONNECTIONS[last.connection] if last.disposition is None else DISPOSITIONS[last.disposition]
    return sentence(_("%(when)s, %(outcome)s", when=moment(last.at, now, zone), outcome=inside(str(outcome))))


def attempts_of(task: TaskRow, most: int) -> str:
    """``Attempt 2 of 3``; empty before the first."""
    if task.attempt_count == 0:
        return ""
    return _("Attempt %(number)s of %(most)s", number=task.attempt_count, most=max(most, task.attempt_count))


def owner_words(contact: ContactSnapshot | None, shared_by: int = 0) -> str:
    """Whose number it is."""
    if contact is None:
        return _("No number to call")
    if contact.owner_kind is OwnerKind.PATIENT:
        if shared_by > 1:
            return _("Shared by %(count)s patients", count=shared_by)
        own = {LineType.MOBILE: _("Own mobile"), LineType.LANDLINE: _("Own landline")}
        return own.get(contact.line_type, _("Own number"))
    parts = [part for part in (contact.relationship, contact.owner_name) if part]
    return _(", ").join(parts) or _("A relative")


@lru_cache(maxsize=8192)
def dialled(number: str, country: str) -> str:
    """A number as it is dialled at the facility: without the country code when it is of the same country."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    same = parsed.country_code == phonenumbers.country_code_for_region(country)
    style = phonenumbers.PhoneNumberFormat.NATIONAL if same else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)


def answer_words(question: Question, value: AnswerValue, language_code: str) -> str:
    """An answer as it is read out, in this language."""
    given = value if isinstance(value, tuple) else (value,)
    texts = {choice.value: choice.text for choice in question.offered(Mode.PHONE)}
    if question.kind is QuestionKind.SCALE5 and isinstance(value, int):
        return f"{value} {SCALE_TEXTS[value].in_language(language_code)}"
    if question.kind is QuestionKind.NPS and isinstance(value, int):
        extreme = NPS_TEXTS.get(value)
        return f"{value} {extreme.in_language(language_code)}" if extreme else str(value)
    words = [texts[str(each)].in_language(language_code) if str(each) in texts else str(each) for each in given]
    return ("，" if language_code.startswith("zh") else ", ").join(words)


def alert_subject(item: AlertItem) -> str:
    """What an alert is about: the rule where no answer raised it, else the answer."""
    said = SUBJECTS.get(item.alert.rule)
    return str(said) if said else alert_title(item.raised_by)


_MEANS_NOTHING_ALONE = frozenset({QuestionKind.NUMBER, QuestionKind.NPS, QuestionKind.SCALE5, QuestionKind.YES_NO})


def alert_title(raised_by: Sequence[Asked]) -> str:
    """What an alert is about, in words: the answer that raised it, with its question where it says nothing alone."""
    if len(raised_by) != 1:
        return _("Several answers of one call")
    asked = raised_by[0]
    if asked.question.kind is QuestionKind.TEXT:
        return _("Words in a comment")
    if asked.question.kind in _MEANS_NOTHING_ALONE:
        return asked_words(asked)
    return sentence(answer_words(asked.question, asked.answer.value, language()))


def alert_details(raised_by: Sequence[Asked]) -> list[str]:
    """What the title of an alert does not say: its question, or the questions and answers that it stands for."""
    if len(raised_by) == 1 and raised_by[0].question.kind in _MEANS_NOTHING_ALONE:
        return []
    if len(raised_by) == 1 and raised_by[0].question.kind is not QuestionKind.TEXT:
        return [question_words(raised_by[0].question)]
    return [asked_words(asked) for asked in raised_by]


def rule_words(alert: AlertRow) -> str:
    """Why an answer opened an alert."""
    if alert.rule in SUBJECTS:
        return str(RULES[alert.rule])
    if alert.rule == JOINED_RULE:
        return _("Several smaller worries of one call were joined into this alert.")
    kind, _separator, word_list = alert.rule.partition(":")
    if kind == "words":
        return _("Found by the word list “%(name)s”.", name=WORD_LISTS.get(word_list, word_list))
    return _("The questionnaire asks for an alert at this answer.")


def question_words(question: Question) -> str:
    """A question as the patient was asked it, in the language of the page."""
    return question.wording.patient.in_language(language()).replace("**", "")


def asked_words(asked: Asked) -> str:
    """``Question: answer``, in the language of the page."""
    given = answer_words(asked.question, asked.answer.value, language())
    return _("%(question)s %(answer)s", question=question_words(asked.question), answer=given)


def corrected_words(asked: Asked, now: datetime, zone: ZoneInfo) -> str:
    """What became of an answer that had raised an alert."""
    if asked.now is None:
        return _("The answer was taken back.")
    given = answer_words(asked.question, asked.now.value, language())
    when = moment(asked.now.answered_at, now, zone)
    return _("Changed %(when)s to: %(answer)s", when=when, answer=given)


def time_left(due_at: datetime, now: datetime) -> str:
    """``38 min left``, ``2 h 05 min left``, ``Past by 12 min``; days when it is longer."""
    span = abs(due_at - now)
    words = _span(span)
    return _("Past by %(span)s", span=words) if due_at < now else _("%(span)s left", span=words)


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    hours, rest = divmod(minutes, 60)
    if hours >= 24:
        return str(ngettext("%(num)s day", "%(num)s days", hours // 24))
    if hours:
        return _("%(hours)s h %(minutes)02d min", hours=hours, minutes=rest)
    return _("%(minutes)s min", minutes=minutes)


def length(span: timedelta) -> str:
    """``38 min``, ``2 h 05 min``; days when it is longer."""
    return _span(span)


def took(alert: AlertRow) -> str:
    """From opening to resolving."""
    return _span((alert.resolved_at or alert.opened_at) - alert.opened_at)


def told_words(item: AlertItem, rung: int, now: datetime, zone: ZoneInfo) -> str:
    """Who was told on a rung of the ladder and when; when it will be told; or that it need not be."""
    notice = item.notices.get(Rung(rung))
    if notice is not None:
        when = moment(notice.told_at, now, zone)
        if not notice.names and rung == Rung.MANAGER:
            return _("nobody has this role here")
        if not notice.names:
            return _("nobody with this role is here, passed on %(when)s", when=when)
        names = _(", ").join(notice.names[:TOLD_SHOWN])
        more = len(notice.names) - TOLD_SHOWN
        if more > 0:
            names = ngettext("%(names)s and %(num)s more", "%(names)s and %(num)s more", more, names=names)
        return _("told %(when)s: %(names)s", when=when, names=names)
    if item.alert.next_rung_at is None:
        return _("not needed")
    at = item.alert.next_rung_at if rung == item.alert.rung + 1 else item.alert.due_at
    return moment(at, now, zone)


def others_words(count: int) -> str:
    """How many more tasks of the patient a call settled; empty when it was the only one."""
    if not count:
        return ""
    return str(
        ngettext(
            "%(num)s more task of this patient is settled by the same call.",
            "%(num)s more tasks of this patient are settled by the same call.",
            count,
        )
    )


def problem_words(code: str) -> str:
    """Why a result of a call cannot be recorded."""
    return str(ATTEMPT_PROBLEMS[code])


def consequence_words(found: Consequence | None, now: datetime, zone: ZoneInfo) -> str:
    """What follows from a call, in a sentence; None stands for a task that had ended meanwhile."""
    if found is None:
        return _("The task had ended meanwhile; your call is kept on its record.")
    if found.status is TaskStatus.COMPLETED:
        return _("This task is completed.")
    if found.status is TaskStatus.ON_HOLD:
        return _("All contacts are on hold until somebody has verified it.")
    if found.status is not TaskStatus.OPEN:
        return _("The task ends: %(reason)s.", reason=inside(str(REASONS[found.reason or TaskReason.OTHER])))
    if found.callback_at is not None and found.callback_at > now:
        return _("It comes back to the list %(when)s.", when=moment(found.callback_at, now, zone))
    return _("The task stays on the list.")
