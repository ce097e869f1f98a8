"""Pages of imports: bring a file, confirm what it is, see what it would do, follow it, fetch the refused rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Response, abort, flash, redirect, render_template, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.audit.service import record
from hcrm.intake import queries, service
from hcrm.intake.domain import (
    STORED_WARNINGS,
    BatchSnapshot,
    BatchStatus,
    Change,
    CsvShape,
    FileRefused,
    Profile,
    RowError,
    Severity,
)
from hcrm.intake.forms import UploadForm, is_moved, labels, mapping_form, profile_of
from hcrm.intake.forms.changes import changed_value
from hcrm.intake.forms.rejects import rejects_csv
from hcrm.intake.readers.csv_rows import Order
from hcrm.intake.readers.files import drop_uploads, keep_upload, named, upload_folder
from hcrm.intake.readers.formats import MESSAGES, WHILE_SOMEBODY_WAITS, first_look, read_chunks, refuse_unusable
from hcrm.intake.routes.access import facilities_of, one_batch
from hcrm.intake.routes.blueprint import blueprint
from hcrm.organization.domain import FacilitySnapshot
from hcrm.organization.queries import facility
from hcrm.unit_of_work import unit_of_work
from hcrm.web import BaseForm, Page, choices, now, number, page_number, settings

LISTED = 20
SHOWN_ROWS = 100
WAITING = frozenset({BatchStatus.QUEUED, BatchStatus.RUNNING, BatchStatus.INTERRUPTED})


@blueprint.route("/imports", methods=["GET", "POST"])
@requires(Action.IMPORT_RECORDS)
def index() -> ResponseReturnValue:
    """The imports so far, and the way to a new one."""
    form = _upload_form()
    if form.validate_on_submit():
        try:
            batch_id = _take_upload(form)
            return redirect(url_for("intake.mapping", batch_id=batch_id), 303)
        except FileRefused as refusal:
            form["file"].errors = [labels.file_sentence(refusal, on_page=True)]
    at = page_number()
    with unit_of_work() as session:
        found = queries.batches(session, facilities_of(), limit=LISTED + 1, offset=(at - 1) * LISTED)
    page = Page.of(found, at, LISTED)
    status = 422 if form.errors or form["file"].errors else 200
    return render_template("intake/index.html", form=form, page=page, labels=labels), status


@blueprint.route("/imports/<int:batch_id>/mapping", methods=["GET", "POST"])
@requires(Action.IMPORT_RECORDS)
def mapping(batch_id: int) -> ResponseReturnValue:
    """What the file seems to be; what its columns mean is confirmed here."""
    batch, hospital = one_batch(batch_id)
    _expect(batch, BatchStatus.UPLOADED)
    try:
        shape = first_look(_path(batch), batch.profile, looked_at=WHILE_SOMEBODY_WAITS)
    except FileRefused as refusal:
        return _start_anew(batch, refusal)
    if shape.layout in MESSAGES:
        return _keep(batch, hospital, batch.profile, with_plans=batch.with_plans, stay=False)
    form = mapping_form(shape, batch.profile, with_plans=batch.with_plans)
    if form.is_submitted() and (is_moved(form, shape) or form.validate()):
        changed = profile_of(form, shape, batch.profile)
        try:
            return _keep(batch, hospital, changed, with_plans=bool(form["with_plans"].data), stay=is_moved(form, shape))
        except FileRefused as refusal:
            form["with_plans"].errors = [labels.file_sentence(refusal, on_page=True)]
    status = 422 if form.errors or form["with_plans"].errors else 200
    return render_template("intake/mapping.html", batch=batch, shape=shape, form=form, labels=labels), status


@blueprint.get("/imports/<int:batch_id>")
@requires(Action.IMPORT_RECORDS)
def show(batch_id: int) -> ResponseReturnValue:
    """A batch wherever it stands: what it would do, how far it is, what it did."""
    batch, hospital = one_batch(batch_id)
    if batch.status in WAITING:
        return render_template("intake/running.html", batch=batch, share=share_done(batch), labels=labels)
    if batch.status is BatchStatus.UPLOADED and batch.preview is None:
        return redirect(url_for("intake.mapping", batch_id=batch_id))
    rejected, warnings = _remarks(batch)
    return render_template(
        "intake/preview.html" if batch.status is BatchStatus.UPLOADED else "intake/result.html",
        batch=batch,
        hospital=hospital,
        rejected=rejected,
        warnings=warnings,
        kinds=_kinds(batch),
        first_rows=_first_rows(batch),
        changes=[Change.from_json(each) for each in (batch.preview or {}).get("changes", [])],
        shown_value=lambda change, value: changed_value(change.field, value, batch.timezone),
        failure=_failure(batch),
        form=BaseForm(),
        labels=labels,
        cells=_Cells(batch.shape),
    )


@blueprint.get("/imports/<int:batch_id>/progress")
@requires(Action.IMPORT_RECORDS)
def progress(batch_id: int) -> ResponseReturnValue:
    """How far a batch is, for the page that follows it."""
    batch, _hospital = one_batch(batch_id)
    waiting = batch.status in WAITING
    return {"waiting": waiting, "share": share_done(batch), "text": _progress_text(batch)}


@blueprint.post("/imports/<int:batch_id>/confirm")
@requires(Action.IMPORT_RECORDS)
def confirm(batch_id: int) -> ResponseReturnValue:
    """Hand the file to the worker."""
    return _decide(batch_id, BatchStatus.QUEUED)


@blueprint.post("/imports/<int:batch_id>/discard")
@requires(Action.IMPORT_RECORDS)
def discard(batch_id: int) -> ResponseReturnValue:
    """Forget an upload and delete its file."""
    return _decide(batch_id, BatchStatus.DISCARDED)


@blueprint.get("/imports/<int:batch_id>/refused.csv")
@requires(Action.IMPORT_RECORDS)
def refused(batch_id: int) -> ResponseReturnValue:
    """The refused rows with their reasons, to be corrected and brought again."""
    batch, hospital = one_batch(batch_id)
    with unit_of_work() as session:
        record(
            session,
            now=now(),
            action="import.refused_rows_fetched",
            actor_user_id=current_actor().user_id,
            facility_id=batch.facility_id,
            object_kind="import_batch",
            object_id=batch.id,
        )
    rows = _refused_now(batch, hospital) if batch.status is BatchStatus.UPLOADED else _refused_then(batch)
    name = f"refused-{batch.id}.csv"
    body = stream_with_context(rejects_csv(batch.shape.get("heads", []), rows))
    return Response(body, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'})


class _Cells:
    """Finds the cells of a refused row by what its columns mean."""

    def __init__(self, shape: Any) -> None:
        self._columns = shape.get("columns", {})

    def of(self, remark: RowError, *fields: str) -> str:
        """The cells of these fields, joined."""
        positions = [position for field in fields for position in self._columns.get(field, ())]
        return " ".join(remark.cells[at] for at in positions if at < len(remark.cells) and remark.cells[at])

    def value(self, remark: RowError) -> str:
        """What stood where the row went wrong."""
        return self.of(remark, remark.field)[:80]


def _upload_form() -> UploadForm:
    form = UploadForm()
    with unit_of_work() as session:
        known = [facility(session, facility_id) for facility_id in sorted(facilities_of())]
        profiles = queries.stored_profiles(session, facilities_of())
    if len(known) == 1:
        del form.facility
    else:
        form.facility.choices = choices((str(each.id), each.name) for each in known)
    if profiles:
        named_so = [(str(each.id), each.name) for each in profiles]
        form.profile.choices = choices([("0", _("find out")), *named_so])
    else:
        del form.profile
    return form


def _take_upload(form: UploadForm) -> int:
    upload = form["file"].data
    stated = {"encoding": form.encoding.data or "", "sheet": (form["sheet"].data or "").strip()}
    profile = _chosen_profile(form).with_changes(**stated)
    path, facts = keep_upload(upload.stream, settings().instance_dir)
    try:
        shape = named(lambda: first_look(path, profile, looked_at=WHILE_SOMEBODY_WAITS), upload.filename)
    except FileRefused:
        drop_uploads(settings().instance_dir, [path.name])
        raise
    with unit_of_work() as session:
        chosen = form["facility"].data if "facility" in form else min(facilities_of())
        hospital = facility(session, int(chosen))
        return service.store_upload(
            session,
            facility_id=hospital.id,
            user_id=current_actor().user_id,
            file=facts.called(Path(upload.filename).name),
            stored_name=path.name,
            profile=profile,
            timezone=hospital.timezone,
            shape=shape,
            now=now(),
        )


def _chosen_profile(form: UploadForm) -> Profile:
    """The profile that was chosen for the file; an empty one without."""
    chosen = int(form["profile"].data or 0) if "profile" in form else 0
    with unit_of_work() as session:
        found = queries.stored_profile(session, chosen) if chosen else None
    return found.profile if found is not None and found.facility_id in facilities_of() else Profile()


def _expect(batch: BatchSnapshot, status: BatchStatus) -> None:
    if batch.status is not status:
        abort(409)


def _path(batch: BatchSnapshot) -> Path:
    return upload_folder(settings().instance_dir) / str(batch.stored_name)


def _order(batch: BatchSnapshot, hospital: FacilitySnapshot, shape: CsvShape, profile: Profile) -> Order:
    return Order(_path(batch), shape, profile, batch.timezone, hospital.country, now())


def _start_anew(batch: BatchSnapshot, refusal: FileRefused) -> ResponseReturnValue:
    """A profile that the file does not fit is taken back."""
    flash(labels.file_sentence(refusal, on_page=True), "high")
    with unit_of_work() as session:
        plain = Profile(encoding=batch.profile.encoding, sheet=batch.profile.sheet)
        shape = first_look(_path(batch), plain)
        service.keep_mapping(
            session, batch_id=batch.id, profile=plain, shape=shape, with_plans=batch.with_plans, preview=None
        )
    return redirect(url_for("intake.mapping", batch_id=batch.id), 303)


def _keep(
    batch: BatchSnapshot, hospital: FacilitySnapshot, profile: Profile, *, with_plans: bool, stay: bool
) -> ResponseReturnValue:
    """Keep the mapping; check the file unless it is only read anew."""
    shape = first_look(_path(batch), profile, looked_at=WHILE_SOMEBODY_WAITS)
    with unit_of_work() as session:
        preview = None
        if not stay:
            refuse_unusable(shape, batch.file_name)
            order = _order(batch, hospital, shape, profile)
            preview = service.check_file(
                session, facility_id=batch.facility_id, order=order, stated_at=batch.stated_at, now=now()
            )
        service.keep_mapping(
            session, batch_id=batch.id, profile=profile, shape=shape, with_plans=with_plans, preview=preview
        )
    return redirect(url_for("intake.mapping" if stay else "intake.show", batch_id=batch.id), 303)


def _decide(batch_id: int, to: BatchStatus) -> ResponseReturnValue:
    batch, _hospital = one_batch(batch_id)
    try:
        with unit_of_work() as session:
            service.move_batch(session, batch_id=batch_id, to=to, now=now(), user_id=current_actor().user_id)
    except service.IllegalBatchMove:
        flash(_("This import has already been decided."), "info")
        return redirect(url_for("intake.show", batch_id=batch_id), 303)
    if to is BatchStatus.DISCARDED:
        drop_uploads(settings().instance_dir, [batch.stored_name])
        flash(_("The file was discarded. Nothing was imported."), "info")
        return redirect(url_for("intake.index"), 303)
    return redirect(url_for("intake.show", batch_id=batch_id), 303)


def share_done(batch: BatchSnapshot) -> int:
    """How much of the file is settled, in percent of its bytes."""
    return min(100, round(100 * batch.counts.get("bytes_read", 0) / max(batch.file_bytes, 1)))


def _progress_text(batch: BatchSnapshot) -> str:
    if batch.status is BatchStatus.QUEUED:
        return str(_("The import starts in a few seconds."))
    rows, rejected = number(batch.counts.get("rows_read", 0)), number(batch.counts.get("rejected", 0))
    return str(_("%(rows)s rows read, %(rejected)s of them refused.", rows=rows, rejected=rejected))


def _remarks(batch: BatchSnapshot) -> tuple[list[RowError], list[RowError]]:
    """The first refused rows and warnings: of the check before an import, of the batch after it."""
    if batch.status is BatchStatus.UPLOADED:
        preview = batch.preview or {}
        lists = (preview.get(kind, []) for kind in ("rejected", "warnings"))
        rejected, warnings = ([RowError.from_json(each) for each in remarks] for remarks in lists)
        return rejected, warnings
    with unit_of_work() as session:
        both = [list(queries.row_errors(session, batch.id, severity, limit=SHOWN_ROWS)) for severity in Severity]
    return both[0], both[1]


def _kinds(batch: BatchSnapshot) -> list[tuple[RowError, int, int]]:
    """Each kind of remark after an import: its first one, how many there were, and how many of them are kept."""
    if batch.status is BatchStatus.UPLOADED:
        return []
    with unit_of_work() as session:
        first = queries.first_of_each_kind(session, batch.id)
    counted = [(Severity.REJECTED, code, count, count) for code, count in batch.by_code.items()]
    counted += [
        (Severity.WARNING, code, count, min(count, STORED_WARNINGS)) for code, count in batch.warned_by_code.items()
    ]
    return [
        (first[severity, code], count, kept) for severity, code, count, kept in counted if (severity, code) in first
    ]


def _refused_then(batch: BatchSnapshot) -> Iterator[RowError]:
    with unit_of_work() as session:
        yield from queries.row_errors(session, batch.id, Severity.REJECTED)


def _refused_now(batch: BatchSnapshot, hospital: FacilitySnapshot) -> Iterator[RowError]:
    shape = first_look(_path(batch), batch.profile, looked_at=WHILE_SOMEBODY_WAITS)
    for chunk in read_chunks(_order(batch, hospital, shape, batch.profile)):
        yield from (remark for remark in chunk.errors if remark.severity is Severity.REJECTED)


def _first_rows(batch: BatchSnapshot) -> list[dict[str, Any]]:
    rows = [dict(row) for row in (batch.preview or {}).get("first_rows", [])]
    for row in rows:
        for key in ("admitted_at", "discharged_at"):
            row[key] = datetime.fromisoformat(row[key]) if row[key] else None
    return rows


def _failure(batch: BatchSnapshot) -> str:
    if not batch.failure:
        return ""
    return labels.file_sentence(FileRefused(batch.failure["code"], **batch.failure["params"]), on_page=True)
