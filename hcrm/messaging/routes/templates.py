"""The wording of messages, for whoever leads the nurses: versions, preview with lengths, publishing."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, picked_facility, requires
from hcrm.messaging import queries, service
from hcrm.messaging.domain import LANGUAGES, SAMPLE, Remark, measure, placeholders, render
from hcrm.messaging.forms import PURPOSES
from hcrm.messaging.forms.wording import FLAWS, LANGUAGE_NAMES, TEXT_NAMES, WordingForm
from hcrm.messaging.queries import Editing
from hcrm.messaging.routes.blueprint import blueprint
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now, settings


@blueprint.get("/templates")
@requires(Action.EDIT_TEMPLATES)
def templates() -> ResponseReturnValue:
    """All texts with the length of each language."""
    with unit_of_work() as session:
        texts = queries.all_texts(session)
    rows = [
        (text, {language: _length(each.body, language) for language, each in text.in_force.items()}) for text in texts
    ]
    return render_template(
        "messaging/templates.html", rows=rows, names=TEXT_NAMES, purposes=PURPOSES, languages=LANGUAGE_NAMES
    )


def _length(body: str, language: str) -> object:
    return measure(render(body, SAMPLE, language).whole)


def _text(code: str) -> Editing:
    with unit_of_work() as session:
        found = queries.editing(session, code)
    if found is None:
        abort(404)
    return found


@blueprint.get("/templates/<code>")
@requires(Action.EDIT_TEMPLATES)
def template(code: str) -> ResponseReturnValue:
    """One text in all its languages: the draft, if there is one, else what is in force."""
    text = _text(code)
    shown = {**text.in_force, **text.drafts}
    form = WordingForm(formdata=None)
    for language, version in shown.items():
        form.body_in(language).data = version.body
        form.number_in(language).data = next(iter(version.registrations.values()), "")
    return _page(text, form, [])


@blueprint.post("/templates/<code>")
@requires(Action.EDIT_TEMPLATES)
def save_template(code: str) -> ResponseReturnValue:
    """Show a preview, keep a draft, or publish: then it is what the next message says."""
    text, form, wanted = _text(code), WordingForm(), request.form.get("do", "preview")
    bodies = {language: form.body_in(language).data or "" for language in LANGUAGES}
    if not form.validate_on_submit():
        return _page(text, form, [], 422)
    if wanted == "preview":
        return _page(text, form, service.remarks_on_text(text, bodies))
    try:
        _save(code, bodies, form, publish=wanted == "publish")
    except service.NotPublishable as problem:
        return _page(text, form, problem.remarks, 422)
    flash(
        _("It is published: from now on messages say this.") if wanted == "publish" else _("The draft is kept."), "good"
    )
    return redirect(url_for("messaging.template", code=code))


def _save(code: str, bodies: dict[str, str], form: WordingForm, *, publish: bool) -> None:
    providers = sorted(settings().sms_providers - {"console"})
    numbers = {language: form.number_in(language).data or "" for language in LANGUAGES}
    with unit_of_work() as session:
        service.save_wording(
            session, code, bodies=bodies, publish=publish, sure=bool(form.sure.data),
            registrations={language: dict.fromkeys(providers, number) for language, number in numbers.items()},
            actor_user_id=current_actor().user_id, facility_id=picked_facility(), now=now(),
        )  # fmt: skip


def _page(text: Editing, form: WordingForm, remarks: list[Remark], code: int = 200) -> ResponseReturnValue:
    previews = {language: _preview(form.body_in(language).data or "", language) for language in LANGUAGES}
    allowed = sorted({name for each in text.in_force.values() for name in placeholders(each.body)})
    return render_template(
        "messaging/template.html", text=text, form=form, remarks=remarks, flaws=FLAWS, previews=previews,
        names=TEXT_NAMES, languages=LANGUAGE_NAMES, allowed=allowed,
    ), code  # fmt: skip


def _preview(body: str, language: str) -> tuple[str, object]:
    """The text as a phone shows it, with values as they may be, and its length."""
    known = {name: SAMPLE.get(name, "{" + name + "}") for name in placeholders(body)}
    shown = render(body, known, language).whole
    return shown, measure(shown)
