"""The filter of the auditor's page, and how audited actions are called."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from wtforms import DateField, IntegerField, SelectField
from wtforms.validators import Optional as IfGiven

from hcrm.audit.domain import ActorKind
from hcrm.web import BaseForm

ACTOR_LABELS: Mapping[ActorKind, str] = {
    ActorKind.USER: _l("Somebody unknown"),
    ActorKind.SYSTEM: _l("The program"),
    ActorKind.PATIENT: _l("The patient"),
    ActorKind.COMMAND: _l("A command on the server"),
}

ACTION_LABELS: Mapping[str, str] = {
    "session.opened": _l("Log-in"),
    "session.closed": _l("Log-out"),
    "user.created": _l("Account made"),
    "user.closed": _l("Account closed"),
    "user.opened": _l("Account opened again"),
    "user.password_changed": _l("Own password changed"),
    "user.password_reset": _l("Password reset"),
    "user.role_given": _l("Role given"),
    "user.role_taken": _l("Role taken away"),
    "audit.viewed": _l("Look at the audit"),
    "department.confirmed": _l("Department confirmed"),
    "facility.settings_changed": _l("Settings changed"),
    "session.facility_chosen": _l("Hospital chosen"),
    "alert.viewed": _l("Alert opened"),
    "alert.acknowledged": _l("Alert acknowledged"),
    "alert.taken": _l("Alert taken over"),
    "alert.handed_over": _l("Alert handed over"),
    "on_call.entered": _l("Turn on call entered"),
    "on_call.removed": _l("Turn on call taken out"),
    "alert.resolved": _l("Alert resolved"),
    "alert.answer_corrected": _l("Answer behind an alert corrected"),
    "alert.passed_up": _l("Alert passed up because nobody acknowledged it"),
    "facility.calendar_changed": _l("Working calendar changed"),
    "figures.patients_viewed": _l("Patients behind a figure opened"),
    "figures.token_created": _l("Token for figures made"),
    "figures.token_revoked": _l("Token for figures taken back"),
    "message.left_out": _l("Message put aside"),
    "access_token.created": _l("Access for a system made"),
    "access_token.revoked": _l("Access for a system taken back"),
    "import.uploaded": _l("File uploaded"),
    "mapping_profile.kept": _l("Profile kept"),
    "mapping_profile.renamed": _l("Profile renamed"),
    "mapping_profile.dropped": _l("Profile thrown away"),
    "import.undone": _l("Import undone"),
    "import.posted": _l("Records posted by a system"),
    "import.queued": _l("Import confirmed"),
    "import.running": _l("Import started"),
    "import.finished": _l("Import finished"),
    "import.interrupted": _l("Import interrupted"),
    "import.failed": _l("Import failed"),
    "import.discarded": _l("Import discarded"),
    "import.refused_rows_fetched": _l("Refused rows downloaded"),
    "inbox.viewed": _l("Inbox opened"),
    "inbox.claim": _l("Message taken over"),
    "inbox.hand_over": _l("Message handed over"),
    "inbox.attribute": _l("Message given to a patient"),
    "inbox.close": _l("Message closed"),
    "inbox.answer": _l("Message answered"),
    "questionnaire.drafted": _l("Draft of a questionnaire saved"),
    "questionnaire.discarded": _l("Draft of a questionnaire thrown away"),
    "questionnaire.published": _l("Questionnaire published"),
    "template.drafted": _l("Draft of a text saved"),
    "template.previewed": _l("Text previewed with a patient's data"),
    "template.published": _l("Text published"),
    "plan.drafted": _l("Draft of a plan changed"),
    "plan.discarded": _l("Draft of a plan thrown away"),
    "plan.published": _l("Plan published"),
    "plan.retired": _l("Plan retired"),
    "plan.taken_up": _l("Plan taken up again"),
    "plan.tried": _l("Plan tried on past discharges"),
    "message.viewed": _l("Message opened"),
    "message.send_again": _l("Message sent again"),
    "message.left_unknown": _l("Message left unsettled"),
    "patient.viewed": _l("Patient opened"),
    "patient.found": _l("Patients listed by a search"),
    "patient.consent_changed": _l("Consent changed"),
    "patient.contact_added": _l("Number added"),
    "patient.contact_changed": _l("Number changed"),
    "patient.contact_verified": _l("Number verified"),
    "patient.contact_retired": _l("Number retired"),
    "patient.death_reported": _l("Death reported"),
    "patient.death_confirmed": _l("Death confirmed"),
    "patient.death_withdrawn": _l("Report of death withdrawn"),
    "patient.flags_changed": _l("Flags changed"),
    "patient.language_changed": _l("Patient's language changed"),
    "patient.merged": _l("Patients merged"),
    "patient.unmerged": _l("Merge undone"),
    "task.viewed": _l("Call opened"),
    "task.attempted": _l("Call recorded"),
    "task.cancelled": _l("Task cancelled"),
    "task.reopened": _l("Task opened again"),
    "task.advice_sent": _l("Text with advice sent"),
    "visit_links.viewed": _l("Key for links from another system opened"),
    "task.assigned": _l("Task given to somebody"),
    "workload.viewed": _l("Workload opened"),
    "absence.entered": _l("Absence entered"),
    "absence.removed": _l("Absence taken out"),
    "doctors.named": _l("Accounts of doctors changed"),
    "task.home_visit_asked": _l("Home visit asked for"),
    "worklist.viewed": _l("Work list opened"),
    "use_account": _l("Use of the own account"),
    "view_today": _l("Look at the work list"),
    "work_tasks": _l("Work on tasks"),
    "assign_tasks": _l("Giving tasks to others"),
    "view_patient": _l("Look at a patient"),
    "edit_patient": _l("Change of a patient"),
    "verify_death": _l("Confirming or withdrawing a death"),
    "merge_patients": _l("Merge of patients"),
    "view_alerts": _l("Look at alerts"),
    "work_alerts": _l("Work on alerts"),
    "view_inbox": _l("Look at the inbox"),
    "work_inbox": _l("Work on the inbox"),
    "edit_templates": _l("Change of texts"),
    "edit_plans": _l("Change of plans"),
    "edit_surveys": _l("Change of questionnaires"),
    "view_figures": _l("Look at figures"),
    "view_figure_patients": _l("Look at the patients behind a figure"),
    "import_records": _l("Import of records"),
    "administer": _l("Administration"),
    "view_audit": _l("Look at the audit"),
    "view_handset": _l("Look at the handset"),
}
"""Words for actions; an action without words is shown by its code."""

OBJECT_LABELS: Mapping[str, str] = {
    "report_token": _l("Token for figures"),
    "alert": _l("Alert"),
    "inbound_message": _l("Message"),
    "outbox_message": _l("Message"),
    "message_template": _l("Text of messages"),
    "patient_merge": _l("Merge"),
    "survey_response": _l("Survey response"),
    "questionnaire_version": _l("Questionnaire"),
    "figure": _l("Figure"),
    "contact_point": _l("Phone number"),
    "consent": _l("Consent"),
    "conversation": _l("Conversation"),
    "department": _l("Department"),
    "encounter": _l("Stay"),
    "endpoint": _l("Page"),
    "facility": _l("Hospital"),
    "import_batch": _l("Import"),
    "mapping_profile": _l("Profile"),
    "access_token": _l("Access for a system"),
    "interface_message": _l("Message of an interface"),
    "patient": _l("Patient"),
    "plan": _l("Plan"),
    "task": _l("Task"),
    "user": _l("Account"),
}
"""Words for the kinds of things; a kind without words is shown by its code."""


class AuditFilterForm(BaseForm):
    """What the auditor looks for; kept in the address, so without a CSRF token."""

    class Meta(BaseForm.Meta):
        """Only reads."""

        csrf = False

    who = SelectField(_l("Who"), validators=[IfGiven()])
    patient = IntegerField(_l("Patient number"), validators=[IfGiven()], render_kw={"inputmode": "numeric"})
    action = SelectField(_l("What"), validators=[IfGiven()])
    since = DateField(_l("From"), validators=[IfGiven()])
    until = DateField(_l("To"), validators=[IfGiven()])
