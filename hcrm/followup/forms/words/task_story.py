"""The sentences of *Why (not)?*: each rule that had a say, with its fact and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from flask_babel import gettext

from hcrm.followup.domain.plan import PerformerRole, RiskLevel
from hcrm.followup.domain.task import TaskReason
from hcrm.followup.domain.why import Told
from hcrm.followup.forms.labels import REASONS, RISKS, STEPS
from hcrm.followup.forms.words.lists import inside, moment, short_day
from hcrm.followup.queries.why import TaskWhy
from hcrm.messaging.domain import Finding, Reason
from hcrm.messaging.forms import REASONS as MESSAGE_REASONS
from hcrm.messaging.forms.why import RULES, fact_of
from hcrm.web import language, percent


def _(text: str, **values: object) -> str:
    """The text in the language of the page."""
    return str(gettext(text, **values))


def why_words(told: Told, found: TaskWhy, now: datetime) -> str:
    """One rule in words; a rule without words of its own is told by its code."""
    when = "" if told.at is None else moment(told.at, now, found.zone)
    words = _SENTENCES.get(told.rule)
    return words(told, found, when) if words is not None else told.rule


def step_title(found: TaskWhy) -> str:
    """What the task's step is called, in the language of the page."""
    return _step(found.task.step_code, found)


def _step(code: str, found: TaskWhy) -> str:
    if code in STEPS:
        return str(STEPS[code])
    return _named(found.step_names.get(code), code)


def _named(names: tuple[str, str] | None, code: str) -> str:
    """The English or the Chinese name, as the page's language is; the code where there is none."""
    english, chinese = names or (code, code)
    return (chinese if language() == "zh_Hans" else english) or code


def _plan(told: Told, found: TaskWhy, when: str) -> str:
    code, _colon, version = told.fact.rpartition(":")
    return _(
        "The plan “%(plan)s”, version %(version)s, has the step “%(step)s”; planned %(when)s.",
        plan=_named(found.plan_names, code),
        version=version,
        step=step_title(found),
        when=when,
    )


def _performer(told: Told, _found: TaskWhy, _when: str) -> str:
    role = PerformerRole(told.fact)
    if role is PerformerRole.SERVICE_AGENT:
        return _("Done by the service centre: a ward does not ask about itself.")
    words = {
        PerformerRole.PHYSICIAN: _("Done by the attending doctor, else by the ward."),
        PerformerRole.NURSE: _("Done by the ward."),
        PerformerRole.OUTREACH_WORKER: _("Done by the outreach team."),
        PerformerRole.SYSTEM: _("Done by the program itself."),
    }
    return words.get(role, role.value)


def _kept(told: Told, _found: TaskWhy, when: str) -> str:
    if told.fact == "now":
        return _(
            "Until %(when)s only the attending doctor has it on the list; then the ward's nurses see it too.", when=when
        )
    return _("The attending doctor had it alone until %(when)s; since then the ward's nurses see it too.", when=when)


def _waits(told: Told, _found: TaskWhy, when: str) -> str:
    if told.fact == "asked":
        return _("The patient asked to be called back %(when)s; it waits until then.", when=when)
    return _("After the last try the next one was proposed for %(when)s; it waits until then.", when=when)


def _ended(told: Told, _found: TaskWhy, when: str) -> str:
    why = inside(str(REASONS[TaskReason(told.fact)])) if told.fact else _("done")
    return _("Ended %(when)s: %(reason)s.", when=when, reason=why)


def _held(told: Told, _found: TaskWhy, _when: str) -> str:
    why = inside(str(REASONS[TaskReason(told.fact)])) if told.fact else _("nobody has said why")
    return _("On hold: %(reason)s. It can be opened again.", reason=why)


def _text_held(told: Told, found: TaskWhy, when: str) -> str:
    rule, fact = _text_rule(told, found)
    return _("The text has to wait until %(when)s: %(rule)s %(fact)s", when=when, rule=rule, fact=fact)


def _text_stopped(told: Told, found: TaskWhy, _when: str) -> str:
    rule, fact = _text_rule(told, found)
    return _("The text would not be sent: %(rule)s %(fact)s", rule=rule, fact=fact)


def _text_rule(told: Told, found: TaskWhy) -> tuple[str, str]:
    """The rule as messaging asks it, with its answer, and the fact in words."""
    code, _colon, fact = told.fact.partition(":")
    finding = Finding(code, False, fact)
    asked = _("%(question)s No.", question=RULES.get(code, code))
    said = fact_of(finding, found.zone)
    return asked, _("(%(fact)s)", fact=said) if said else ""


def _text_ends(told: Told, _found: TaskWhy, _when: str) -> str:
    return _("What would be noted: %(reason)s.", reason=inside(str(MESSAGE_REASONS[Reason(told.fact)])))


_SENTENCES: Mapping[str, Callable[[Told, TaskWhy, str], str]] = {
    "plan": _plan,
    "by_hand": lambda _t, _f, when: _("Noted by hand %(when)s, without a plan.", when=when),
    "discharged": lambda t, _f, _w: _("Discharged %(day)s.", day=short_day(date.fromisoformat(t.fact))),
    "sampled": lambda t, _f, _w: _(
        "Only %(share)s of all get this step; this stay was drawn, or somebody asked for it.",
        share=percent(float(t.fact)),
    ),
    "risk": lambda t, _f, _w: _("%(risk)s when the plan was made.", risk=RISKS[RiskLevel(t.fact)]),
    "opens": lambda _t, _f, when: _("Its window opens %(when)s.", when=when),
    "closes": lambda _t, _f, when: _("Its window closes %(when)s.", when=when),
    "if_not_completed": lambda t, f, _w: _(
        "Only while this earlier step is not completed: %(step)s.", step=_step(t.fact, f)
    ),
    "if_completed": lambda t, f, _w: _("Only after this earlier step was completed: %(step)s.", step=_step(t.fact, f)),
    "performer": _performer,
    "kept": _kept,
    "given": lambda _t, f, _w: _("Given to %(name)s.", name=f.given_to or "–"),
    "attempts": lambda t, _f, when: _("Tried so far: %(count)s, last %(when)s.", count=t.fact, when=when),
    "message": lambda _t, _f, _w: _("A text was handed over to be sent; its own “Why (not)?” tells what became of it."),
    "waits": _waits,
    "reopened": lambda _t, _f, when: _("Somebody opened it again %(when)s.", when=when),
    "self_reported": lambda _t, _f, _w: _("Reported by hand, not made from the call screen."),
    "missed": lambda _t, _f, when: _("Its window closed %(when)s; it counts as missed until it is done.", when=when),
    "not_begun": lambda _t, _f, when: _("It is not on the list yet: its window opens %(when)s.", when=when),
    "holds_window": lambda _t, _f, when: _("It waits for its window, which opens %(when)s.", when=when),
    "holds_callback": lambda _t, _f, when: _("It waits for the time set for the next try, %(when)s.", when=when),
    "holds_hours": lambda _t, _f, when: _("Outside calling hours; they begin again %(when)s.", when=when),
    "holds_lease": lambda _t, f, _w: _("%(name)s has it open now.", name=f.held_by or "–"),
    "holds_death": lambda _t, _f, _w: _("A death is on record or was reported: nobody should call."),
    "holds_refused": lambda _t, _f, _w: _("The patient does not want to be contacted in this way."),
    "holds_number": lambda _t, _f, _w: _("No number on record can be dialled."),
    "can_be_done": lambda _t, _f, _w: _("Nothing holds it: it can be done now."),
    "can_be_done_from": lambda _t, _f, when: _("It can be done from %(when)s on.", when=when),
    "text_waits": _text_held,
    "text_stops": _text_stopped,
    "text_goes": lambda _t, _f, when: _("The text goes out %(when)s, if nothing changes.", when=when),
    "text_ends": _text_ends,
    "on_hold": _held,
    "completed": _ended,
    "failed": _ended,
    "cancelled": _ended,
    "entered_in_error": _ended,
}
