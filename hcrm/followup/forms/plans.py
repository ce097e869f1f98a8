"""Forms of the plan editor: a plan's rules, one step, a new plan, an imported file, a try-out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, DecimalField, HiddenField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from hcrm.followup.domain.plan import (
    SURGERY,
    Condition,
    DayKind,
    Eligibility,
    HolidayRule,
    Known,
    PerformerRole,
    Plan,
    RiskLevel,
    Step,
    StepChannel,
    Trigger,
    plain_code,
)
from hcrm.followup.forms.hospital import GIVE_A_NUMBER, ChecksField, ClockField, CountField
from hcrm.followup.forms.labels import RISKS
from hcrm.followup.forms.plan_labels import (
    CHANNELS,
    CONDITIONS,
    DAY_KINDS,
    FIELDS,
    HOLIDAY_RULES,
    PERFORMERS,
    QUESTIONNAIRES,
    SCOPES,
    TRIGGERS,
)
from hcrm.patients.forms.labels import CLASSES, DISPOSITIONS
from hcrm.web import BaseForm, choices

LATEST = 3_700
LONGEST = 120
_EITHER = "either"


def _name(field: str) -> StringField:
    return _text(field, LONGEST)


def _text(field: str, longest: int) -> StringField:
    """A text that the database can keep."""
    return StringField(
        FIELDS[field],
        validators=[
            Length(max=longest, message=_l("This text is too long.")),
            Regexp(r"[^\x00\ud800-\udfff]*\Z", message=_l("This text holds a character that is none.")),
        ],
    )


def _days(field: str, low: int = 0) -> CountField:
    check = NumberRange(low, LATEST, message=GIVE_A_NUMBER)
    return CountField(FIELDS[field], validators=[check], render_kw={"inputmode": "numeric"})


def _maybe(field: str, high: int) -> CountField:
    check = NumberRange(0, high, message=GIVE_A_NUMBER)
    return CountField(FIELDS[field], validators=[Optional(), check], render_kw={"inputmode": "numeric"})


def _one_of(field: str, labels: Mapping[Any, str]) -> SelectField:
    return SelectField(FIELDS[field], choices=choices((each.value, label) for each, label in labels.items()))


def _some_of(field: str, labels: Mapping[Any, str]) -> ChecksField:
    return ChecksField(FIELDS[field], choices=choices((each.value, label) for each, label in labels.items()))


class StepForm(BaseForm):
    """One step of a draft; made by ``step_form``, which tells it the texts, questionnaires and steps there are."""

    seen = HiddenField()
    name_en = _name("name_en")
    name_zh = _name("name_zh")
    tier = SelectField(
        FIELDS["tier"], choices=choices([("", _l("None")), *((str(tier), str(tier)) for tier in (1, 2, 3))])
    )
    channel = _one_of("channel", CHANNELS)
    performer = _one_of("performer", PERFORMERS)
    template = SelectField(FIELDS["template"])
    asked = SelectField(FIELDS["questionnaires"])
    asked_after_surgery = SelectField(_l("Asked after an operation"))
    sample = DecimalField(
        FIELDS["sample"],
        places=None,
        validators=[
            InputRequired(message=_l("Give a number, such as 100 or 7.5.")),
            NumberRange(-1000, 1000, message=_l("Give a number, such as 100 or 7.5.")),
        ],
        render_kw={"inputmode": "decimal"},
    )
    trigger = _one_of("trigger", TRIGGERS)
    day_kind = _one_of("day_kind", DAY_KINDS)
    from_day = _days("from_day")
    target_day = _days("target_day")
    until_day = _days("until_day")
    from_time = ClockField(FIELDS["from_time"])
    target_time = ClockField(FIELDS["target_time"])
    until_time = ClockField(FIELDS["until_time"])
    holiday_rule = _one_of("holiday_rule", HOLIDAY_RULES)
    goes_on_until_day = _maybe("goes_on_until_day", LATEST)
    condition = _one_of("condition", CONDITIONS)
    after_steps = SelectMultipleField(FIELDS["after_steps"])
    answer_question = _text("answer_question", 64)
    answer_values = _text("answer_values", 300)
    risks = _some_of("risks", RISKS)
    repeat_weeks = _maybe("repeat_weeks", 520)
    repeat_until_day = _maybe("repeat_until_day", LATEST)
    flagged_too = BooleanField(FIELDS["flagged_too"])
    active = BooleanField(FIELDS["active"])

    def changed(self, step: Step) -> Step:
        """The step as the form says. After ``validate``."""
        return replace(
            step,
            name_en=self.name_en.data or "",
            name_zh=self.name_zh.data or "",
            tier=int(self.tier.data) if self.tier.data else None,
            channel=StepChannel(self.channel.data),
            performer=PerformerRole(self.performer.data),
            template=self.template.data or None,
            questionnaires=self._questionnaires(step),
            sample=float(self.sample.data) / 100,
            trigger=Trigger(self.trigger.data),
            day_kind=DayKind(self.day_kind.data),
            from_day=self.from_day.data or 0,
            target_day=self.target_day.data or 0,
            until_day=self.until_day.data or 0,
            from_time=self.from_time.data,
            target_time=self.target_time.data,
            until_time=self.until_time.data,
            holiday_rule=HolidayRule(self.holiday_rule.data),
            goes_on_until_day=self.goes_on_until_day.data,
            condition=Condition(self.condition.data),
            after_steps=tuple(self.after_steps.data or ()),
            answer_question=self.answer_question.data or "",
            answer_values=_parts(self.answer_values.data),
            risks=frozenset(RiskLevel(each) for each in self.risks.data or ()),
            repeat_weeks=self.repeat_weeks.data or 0,
            repeat_until_day=self.repeat_until_day.data or 0,
            flagged_too=bool(self.flagged_too.data),
            active=bool(self.active.data),
        )

    def _questionnaires(self, step: Step) -> tuple[tuple[str, str], ...]:
        """Entries for single classes are kept as they are."""
        given = {"*": self.asked.data, SURGERY: self.asked_after_surgery.data}
        kept = dict(step.questionnaires) | given
        return tuple(sorted((name, code) for name, code in kept.items() if code))


def step_form(step: Step, plan: Plan, known: Known, seen: str) -> StepForm:
    """The form of a step, or with what was sent."""
    asked = dict(step.questionnaires)
    form = StepForm(
        obj=step,
        data={
            "seen": seen,
            "tier": "" if step.tier is None else str(step.tier),
            "asked": asked.get("*", ""),
            "asked_after_surgery": asked.get(SURGERY, ""),
            "sample": _percent(step.sample),
            "answer_values": ", ".join(step.answer_values),
            "risks": [each.value for each in step.risks],
        },
    )
    if not form.is_submitted():
        form.tier.data = "" if step.tier is None else str(step.tier)
        form.sample.data = _percent(step.sample)
        form.answer_values.data = ", ".join(step.answer_values)
        form.risks.data = [each.value for each in step.risks]
        form.template.data = step.template or ""
        form.after_steps.data = list(step.after_steps)
    form.template.choices = _codes(known.templates, step.template)
    form.asked.choices = _named(known.questionnaires, asked.get("*"))
    form.asked_after_surgery.choices = _named(known.questionnaires, asked.get(SURGERY))
    others = [each for each in plan.steps if each.code != step.code]
    form.after_steps.choices = choices((each.code, f"{each.name_en} · {each.name_zh}") for each in others)
    return form


def _percent(share: float) -> float | int:
    percent = round(100 * share, 4)
    return int(percent) if percent == int(percent) else percent


def _codes(known: Iterable[str], own: str | None) -> list[Any]:
    codes = sorted(set(known) | ({own} if own else set()))
    return choices([("", _("None")), *((code, code) for code in codes)])


def _named(known: Iterable[str], own: str | None) -> list[Any]:
    codes = sorted(set(known) | ({own} if own else set()))
    return choices([("", _("None")), *((code, str(QUESTIONNAIRES.get(code, code))) for code in codes)])


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in re.split(r"[\s,;，；、]+", text or "") if part))


class RulesForm(BaseForm):
    """Whom a plan is for; made by ``rules_form``, which tells it the departments."""

    seen = HiddenField()
    name_en = _name("name_en")
    name_zh = _name("name_zh")
    position = CountField(
        _l("Place in the order in which plans are tried"), validators=[NumberRange(0, 9999, message=GIVE_A_NUMBER)]
    )
    classes = _some_of("classes", CLASSES)
    dispositions = _some_of("dispositions", DISPOSITIONS)
    excluded_dispositions = _some_of("excluded_dispositions", DISPOSITIONS)
    departments = SelectMultipleField(FIELDS["departments"])
    diagnoses = _text("diagnoses", 2000)
    procedures = _text("procedures", 2000)
    surgery = SelectField(
        FIELDS["surgery"],
        choices=choices(
            [
                (_EITHER, _l("With or without an operation")),
                ("yes", _l("Only after an operation")),
                ("no", _l("Only without an operation")),
            ]
        ),
    )
    age_from = _maybe("age_from", 150)
    age_until = _maybe("age_until", 150)
    risks = _some_of("risks", RISKS)

    def changed(self, plan: Plan) -> Plan:
        """The plan with these rules. After ``validate``."""
        rules = Eligibility(
            classes=frozenset(self.classes.data or ()),
            dispositions=frozenset(self.dispositions.data or ()),
            excluded_dispositions=frozenset(self.excluded_dispositions.data or ()),
            departments=frozenset(self.departments.data or ()),
            diagnoses=tuple(map(plain_code, _parts(self.diagnoses.data))),
            procedures=tuple(map(plain_code, _parts(self.procedures.data))),
            surgery={"yes": True, "no": False}.get(self.surgery.data),
            age_from=self.age_from.data,
            age_until=self.age_until.data,
            risks=frozenset(RiskLevel(each) for each in self.risks.data or ()),
        )
        return replace(plan, name_en=self.name_en.data or "", name_zh=self.name_zh.data or "", eligibility=rules)


def rules_form(plan: Plan, position: int, departments: Mapping[str, str], seen: str) -> RulesForm:
    """The form with the rules of a plan, or with what was sent; ``departments`` are names by code."""
    rules = plan.eligibility
    form = RulesForm(
        data={
            "seen": seen,
            "name_en": plan.name_en,
            "name_zh": plan.name_zh,
            "position": position,
            "classes": sorted(rules.classes),
            "dispositions": sorted(rules.dispositions),
            "excluded_dispositions": sorted(rules.excluded_dispositions),
            "departments": sorted(rules.departments),
            "diagnoses": ", ".join(rules.diagnoses),
            "procedures": ", ".join(rules.procedures),
            "surgery": {None: _EITHER, True: "yes", False: "no"}[rules.surgery],
            "age_from": rules.age_from,
            "age_until": rules.age_until,
            "risks": [each.value for each in rules.risks],
        }
    )
    named = {code: f"{name} ({code})" for code, name in departments.items()}
    form.departments.choices = choices(({code: code for code in rules.departments} | named).items())
    return form


class NewStepForm(BaseForm):
    """A further step: its code, which stays for ever, and how it reaches the patient."""

    seen = HiddenField()
    code = StringField(
        _l("Short code, for exports and figures"),
        validators=[
            Regexp(r"[a-z][a-z0-9_]{1,40}$", message=_l("Small letters, digits and _ only, such as week_call."))
        ],
    )
    channel = _one_of("channel", CHANNELS)


class NewPlanForm(BaseForm):
    """A new plan: its code, its names, and what it is about."""

    code = StringField(
        _l("Short code, for exports and figures"),
        validators=[Regexp(r"[a-z][a-z0-9_]{1,40}$", message=_l("Small letters, digits and _ only, such as stroke."))],
    )
    name_en = _name("name_en")
    name_zh = _name("name_zh")
    scope = _one_of("scope", SCOPES)


class ImportPlanForm(BaseForm):
    """A plan from a file."""

    file = FileField(_l("Plan as a TOML file"))


class DraftForm(BaseForm):
    """A press of a button on a draft; ``seen`` says which state of it was looked at."""

    seen = HiddenField()
