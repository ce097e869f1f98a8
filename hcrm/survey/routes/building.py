"""The builder: questionnaires as drafts, published and retired versions, for whoever leads the nurses.

Every change of a draft names the revision that the page showed; when somebody else was quicker, nothing is changed and
the person is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, picked_facility, requires
from hcrm.organization.queries import facilities
from hcrm.survey.domain import Purpose, QuestionKind, UnknownQuestionnaire
from hcrm.survey.domain.drafts import (
    NoSuchQuestion,
    NotADraft,
    blank_question,
    moved,
    new_definition,
    put,
    question_at,
    removed,
    tidied,
)
from hcrm.survey.domain.review import review
from hcrm.survey.forms import building as words
from hcrm.survey.queries import drafts as queries
from hcrm.survey.routes import access
from hcrm.survey.service import building as service
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now

blueprint = Blueprint("questionnaires", __name__, url_prefix="/questionnaires")

GONE = (service.DraftChanged, UnknownQuestionnaire)
"""What is raised when the draft is not what the page showed, or not there at all."""

Change = Callable[[dict[str, Any]], dict[str, Any]]


def author() -> service.Author:
    """Who is at the keyboard."""
    return service.Author(current_actor().user_id, picked_facility(), now())


def owner() -> int | None:
    """Whose a new questionnaire is to be: the person's own hospital's, or that of all where they may and want that."""
    shared = request.form.get("shared") == "1" and access.may_share()
    return None if shared else access.own_facility()


@blueprint.get("")
@requires(Action.EDIT_SURVEYS)
def index() -> ResponseReturnValue:
    """All questionnaires."""
    with unit_of_work() as session:
        rows = [row for row in queries.questionnaire_rows(session) if access.sees(row)]
        names = {each.id: each.name_in(language()) for each in facilities(session)}
    return render_template(
        "survey/questionnaires.html", rows=rows, words=words, purposes=Purpose, names=names,
        may_share=access.may_share(),
    )  # fmt: skip


@blueprint.post("")
@requires(Action.EDIT_SURVEYS)
def create() -> ResponseReturnValue:
    """Begin a questionnaire."""
    form = request.form
    try:
        purpose = Purpose(form.get("purpose", ""))
        en, zh = form.get("name_en", ""), form.get("name_zh", "")
        definition = new_definition(form.get("code", "").strip().upper(), en=en, zh=zh, purpose=purpose)
        with unit_of_work() as session:
            code = service.begin_questionnaire(session, definition=definition, author=author(), facility_id=owner())
    except service.CodeTaken:
        flash(_("There is a questionnaire with this code already."), "high")
        return redirect(url_for("questionnaires.index"))
    except ValueError:
        flash(_("A code has 2 to 32 capital letters, digits and _, and begins with a letter."), "high")
        return redirect(url_for("questionnaires.index"))
    return redirect(url_for("questionnaires.draft", code=code))


@blueprint.get("/<code>")
@requires(Action.EDIT_SURVEYS)
def one(code: str) -> ResponseReturnValue:
    """The versions of a questionnaire."""
    with unit_of_work() as session:
        row = access.shown(session, code)
        names = {each.id: each.name_in(language()) for each in facilities(session)}
    return render_template("survey/questionnaire.html", row=row, words=words, rights=access.rights(row), names=names)


@blueprint.post("/<code>/draft")
@requires(Action.EDIT_SURVEYS)
def begin(code: str) -> ResponseReturnValue:
    """Begin a draft from the newest version, or go on with the one that is there."""
    access.require_write(code)
    with unit_of_work() as session:
        service.begin_draft(session, code=code, author=author())
    return redirect(url_for("questionnaires.draft", code=code))


@blueprint.get("/<code>/draft")
@requires(Action.EDIT_SURVEYS)
def draft(code: str) -> ResponseReturnValue:
    """The draft: its questions in order, its flaws, its own words."""
    with unit_of_work() as session:
        row, found = access.shown(session, code), _draft(session, code)
        flaws = review(found.definition, sms_codes=service.sms_codes(session))
    return render_template(
        "survey/draft.html", row=row, draft=found.definition, revision=found.revision, found=found, flaws=flaws,
        flawed={flaw.place for flaw in flaws}, rights=access.rights(row), words=words,
        kinds=QuestionKind, purposes=Purpose,
    )  # fmt: skip


@blueprint.post("/<code>/draft/words")
@requires(Action.EDIT_SURVEYS)
def save_words(code: str) -> ResponseReturnValue:
    """Names, introduction, heading, notice, the order by text message."""
    return _changed(code, lambda draft: tidied(words.read_settings(request.form, draft), draft["version"]))


@blueprint.post("/<code>/draft/move")
@requires(Action.EDIT_SURVEYS)
def move(code: str) -> ResponseReturnValue:
    """Put a question in another place."""
    place, to = (request.form.get(name, 0, int) for name in ("place", "to"))
    return _changed(code, lambda draft: moved(draft, place, to), anchor=f"q{to}")


@blueprint.post("/<code>/draft/questions")
@requires(Action.EDIT_SURVEYS)
def add(code: str) -> ResponseReturnValue:
    """One more question, at the end, and its page."""
    kind = request.form.get("kind", "")
    if kind not in set(QuestionKind):
        abort(422)
    made: list[int] = []

    def grown(draft: dict[str, Any]) -> dict[str, Any]:
        made.append(len(draft["question"]) + 1)
        return put(draft, blank_question(QuestionKind(kind), request.form.get("code", "").strip().lower()))

    answer = _changed(code, grown)
    return redirect(url_for("questionnaires.question", code=code, place=made[-1])) if made else answer


@blueprint.get("/<code>/draft/questions/<int:place>")
@requires(Action.EDIT_SURVEYS)
def question(code: str, place: int) -> ResponseReturnValue:
    """One question of the draft."""
    with unit_of_work() as session:
        row, found = access.shown(session, code), _draft(session, code)
        flaws = review(found.definition, sms_codes=service.sms_codes(session))
    try:
        asked = question_at(found.definition, place)
    except NoSuchQuestion:
        abort(404)
    return render_template(
        "survey/draft_question.html", code=code, place=place, question=asked, draft=found.definition,
        revision=found.revision, flaws=[flaw for flaw in flaws if flaw.place == place], words=words,
        rights=access.rights(row),
    )  # fmt: skip


@blueprint.post("/<code>/draft/questions/<int:place>")
@requires(Action.EDIT_SURVEYS)
def save_question(code: str, place: int) -> ResponseReturnValue:
    """Keep one question as the form says it."""
    return _changed(
        code,
        lambda draft: put(draft, words.read_question(request.form, question_at(draft, place)), place),
        back=url_for("questionnaires.question", code=code, place=place),
    )


@blueprint.post("/<code>/draft/questions/<int:place>/remove")
@requires(Action.EDIT_SURVEYS)
def remove(code: str, place: int) -> ResponseReturnValue:
    """Take a question out of the draft."""
    return _changed(code, lambda draft: removed(draft, place))


@blueprint.post("/<code>/copy")
@requires(Action.EDIT_SURVEYS)
def copy(code: str) -> ResponseReturnValue:
    """Make a questionnaire of one's own hospital from it, as a draft."""
    new_code = request.form.get("code", "").strip().upper()
    try:
        with unit_of_work() as session:
            access.shown(session, code)
            made = service.copy_questionnaire(
                session, code=code, new_code=new_code, facility_id=access.own_facility(), author=author()
            )
    except service.CodeTaken:
        flash(_("There is a questionnaire with this code already."), "high")
        return redirect(url_for("questionnaires.one", code=code))
    except (NotADraft, UnknownQuestionnaire):
        flash(_("A code has 2 to 32 capital letters, digits and _, and begins with a letter."), "high")
        return redirect(url_for("questionnaires.one", code=code))
    return redirect(url_for("questionnaires.draft", code=made))


@blueprint.post("/<code>/draft/publish")
@requires(Action.PUBLISH_SURVEYS)
def publish(code: str) -> ResponseReturnValue:
    """Ask it from now on, if it has no flaw."""
    access.require_publish(code)
    try:
        with unit_of_work() as session:
            version = service.publish_draft(session, code=code, revision=_revision(), author=author())
    except GONE:
        return _somebody_else(code)
    except service.NotPublishable as problem:
        flash(_("It was not published: %(count)s things have to be put right first.", count=len(problem.flaws)), "high")
        return redirect(url_for("questionnaires.draft", code=code, _anchor="flaws"))
    flash(_("Version %(version)s is published: it is asked from now on.", version=version), "good")
    return redirect(url_for("questionnaires.one", code=code))


@blueprint.post("/<code>/draft/discard")
@requires(Action.EDIT_SURVEYS)
def discard(code: str) -> ResponseReturnValue:
    """Throw the draft away."""
    access.require_write(code)
    try:
        with unit_of_work() as session:
            service.discard_draft(session, code=code, revision=_revision(), author=author())
    except GONE:
        return _somebody_else(code)
    flash(_("The draft is gone."), "good")
    return redirect(url_for("questionnaires.index"))


def _changed(code: str, change: Change, *, anchor: str | None = None, back: str = "") -> ResponseReturnValue:
    """Change the draft and show it again."""
    access.require_write(code)
    back = back or url_for("questionnaires.draft", code=code, _anchor=anchor)
    try:
        with unit_of_work() as session:
            service.change_draft(session, code=code, revision=_revision(), change=change, author=author())
    except (*GONE, NoSuchQuestion):
        return _somebody_else(code)
    except NotADraft as problem:
        flash(_("It was not saved: this cannot be read (%(place)s).", place=str(problem)), "high")
        return redirect(back)
    flash(_("Saved."), "good")
    return redirect(back)


def _somebody_else(code: str) -> ResponseReturnValue:
    flash(_("Nothing was changed: somebody else has changed this draft in the meantime."), "high")
    return redirect(url_for("questionnaires.one", code=code))


def _revision() -> int:
    return request.form.get("revision", -1, int)


def _draft(session: Any, code: str) -> queries.Draft:
    found = queries.draft_of(session, code)
    if found is None:
        abort(404)
    return found
