"""Looking at versions of a questionnaire: as a phone shows it, as texts, as a call; as a file; against another one."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import requires
from hcrm.survey.domain import Mode, Questionnaire, Respondent, UnknownQuestionnaire
from hcrm.survey.domain.changes import changes
from hcrm.survey.domain.definition import InvalidQuestionnaire, questionnaire_from
from hcrm.survey.domain.drafts import NotADraft
from hcrm.survey.forms import building as words
from hcrm.survey.queries import drafts as queries
from hcrm.survey.queries.previews import by_text
from hcrm.survey.routes import access
from hcrm.survey.routes.building import author, blueprint, owner
from hcrm.survey.service import building as service
from hcrm.unit_of_work import unit_of_work
from hcrm.web import LANGUAGES, language

__all__ = ["blueprint"]

LARGEST_FILE = 512 * 1024
VIEWS = ("phone", "sms", "call")


@blueprint.get("/<code>/<int:version>")
@requires(Action.EDIT_SURVEYS)
def preview(code: str, version: int) -> ResponseReturnValue:
    """A version as patients and callers meet it; a draft that is not whole yet says what is missing first."""
    view, shown = request.args.get("as", "phone"), request.args.get("in", language())
    shown = shown if shown in LANGUAGES else language()
    with unit_of_work() as session:
        row, definition = access.shown(session, code), _definition(session, code, version)
        form = _readable(definition)
        steps = by_text(session, form) if form is not None else ()
    return render_template(
        "survey/preview.html", row=row, version=version, draft=definition, form=form, steps=steps, words=words,
        shown=shown,
        view=view if view in VIEWS else "phone", patient=Respondent.PATIENT, mode=Mode.WEB, phone=Mode.PHONE,
    )  # fmt: skip


@blueprint.get("/<code>/<int:version>/file")
@requires(Action.EDIT_SURVEYS)
def file(code: str, version: int) -> ResponseReturnValue:
    """A version as a file that can be taken in again, here or in another hospital."""
    with unit_of_work() as session:
        access.shown(session, code)
        definition = _definition(session, code, version)
    body = json.dumps(definition, ensure_ascii=False, indent=2) + "\n"
    name = f"{definition['code']}-{version}.json"
    return Response(
        body, mimetype="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@blueprint.post("/file")
@requires(Action.EDIT_SURVEYS)
def take_in() -> ResponseReturnValue:
    """Make a draft of a file (JSON or TOML)."""
    sent = request.files.get("file")
    data = sent.stream.read(LARGEST_FILE + 1) if sent is not None else b""
    try:
        definition = _parsed(data)
        _require_own(definition)
        with unit_of_work() as session:
            code = service.take_in(session, definition=definition, author=author(), facility_id=owner())
    except NotADraft as problem:
        flash(_("The file was not taken in: this cannot be read (%(place)s).", place=str(problem)), "high")
        return redirect(url_for("questionnaires.index"))
    flash(_("The file is a draft now. Nothing is asked before it is published."), "good")
    return redirect(url_for("questionnaires.draft", code=code))


@blueprint.get("/<code>/changes")
@requires(Action.EDIT_SURVEYS)
def compare(code: str) -> ResponseReturnValue:
    """What changed between two versions; without a choice, between the newest and the one before."""
    with unit_of_work() as session:
        row = access.shown(session, code)
        numbers = [entry.version for entry in row.versions]
        new = request.args.get("to", numbers[0], int)
        old = request.args.get("from", numbers[min(1, len(numbers) - 1)], int)
        found = changes(_definition(session, code, old), _definition(session, code, new))
    return render_template("survey/changes.html", row=row, old=old, new=new, changes=found, words=words)


def _parsed(data: bytes) -> Any:
    """Raises ``NotADraft`` for what is neither JSON nor TOML, or too large."""
    if len(data) > LARGEST_FILE:
        raise NotADraft("file")
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError):
        raise NotADraft("file") from None


def _readable(definition: dict[str, Any]) -> Questionnaire | None:
    try:
        return questionnaire_from(definition)
    except InvalidQuestionnaire:
        return None


def _require_own(definition: Any) -> None:
    """A file with the code of a questionnaire that is there needs the right to change that one."""
    with unit_of_work() as session:
        taken = queries.questionnaire_rows(session, [str(definition.get("code", ""))])
    for row in taken:
        access.require_write(row.code)


def _definition(session: Any, code: str, version: int) -> dict[str, Any]:
    try:
        return queries.definition_of(session, code, version)
    except UnknownQuestionnaire:
        abort(404)
