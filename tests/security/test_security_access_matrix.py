"""Who may use which endpoint, written out: every endpoint has a row, every role a column.

``x`` = may use it, ``.`` = is refused (403, audited), ``public`` = open without a log-in. An endpoint without a row
fails; so does a row without an endpoint. Departments and single records are looked at by the tests of each feature.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, Rule

from hcrm.accounts import service
from hcrm.accounts.domain import Action, Language, MembershipSnapshot, Role
from hcrm.accounts.guard import access_of
from hcrm.app import create_app
from hcrm.unit_of_work import Runtime, unit_of_work

COLUMNS = (
    Role.NURSE,
    Role.PHYSICIAN,
    Role.SERVICE_AGENT,
    Role.OUTREACH_WORKER,
    Role.DEPARTMENT_HEAD,
    Role.MANAGER,
    Role.COMPLAINTS_OFFICER,
    Role.QUALITY_OFFICER,
    Role.ADMINISTRATOR,
    Role.GROUP_ADMINISTRATOR,
    Role.AUDITOR,
)

MATRIX = """
endpoint                    nur phy agt out hea man com qua adm grp aud
start                        x   x   x   x   x   x   x   x   x   x   x
accounts.account             x   x   x   x   x   x   x   x   x   x   x
accounts.own_language        x   x   x   x   x   x   x   x   x   x   x
accounts.password            x   x   x   x   x   x   x   x   x   x   x
accounts.choose_facility     x   x   x   x   x   x   x   x   x   x   x
accounts.logout              x   x   x   x   x   x   x   x   x   x   x
accounts.users               .   .   .   .   .   .   .   .   x   x   .
accounts.new_user            .   .   .   .   .   .   .   .   x   x   .
accounts.one_user            .   .   .   .   .   .   .   .   x   x   .
accounts.add_role            .   .   .   .   .   .   .   .   x   x   .
accounts.remove_role         .   .   .   .   .   .   .   .   x   x   .
accounts.reset_password      .   .   .   .   .   .   .   .   x   x   .
accounts.set_active          .   .   .   .   .   .   .   .   x   x   .
accounts.departments         .   .   .   .   .   .   .   .   x   x   .
accounts.department          .   .   .   .   .   .   .   .   x   x   .
accounts.audit               .   .   .   .   .   .   .   .   .   .   x
followup.own_hospital        .   .   .   .   .   .   .   .   x   x   .
followup.hospital            .   .   .   .   .   .   .   .   x   x   .
followup.calendar            .   .   .   .   .   .   .   .   x   x   .
followup.today               x   x   x   x   x   x   .   .   .   .   .
followup.call                x   x   x   x   x   .   .   .   .   .   .
followup.identity            x   x   x   x   x   .   .   .   .   .   .
followup.questions           x   x   x   x   x   .   .   .   .   .   .
followup.answer              x   x   x   x   x   .   .   .   .   .   .
followup.proposal            x   x   x   x   x   .   .   .   .   .   .
followup.outcome             x   x   x   x   x   .   .   .   .   .   .
followup.release             x   x   x   x   x   .   .   .   .   .   .
followup.cancel              x   x   x   x   x   .   .   .   .   .   .
followup.reopen              x   x   x   x   x   .   .   .   .   .   .
followup.assign_one          x   x   x   x   x   .   .   .   .   .   .
followup.workload            .   .   .   .   x   x   .   .   .   .   .
followup.assign_many         .   .   .   .   x   x   .   .   .   .   .
followup.add_absence         .   .   .   .   x   x   .   .   .   .   .
followup.remove_absence      .   .   .   .   x   x   .   .   .   .   .
followup.named_doctors       .   .   .   .   .   .   .   .   x   x   .
followup.name_doctors        .   .   .   .   .   .   .   .   x   x   .
followup.keep_call           x   x   x   x   x   .   .   .   .   .   .
followup.advice              x   x   x   x   x   .   .   .   .   .   .
followup.plans               .   .   .   .   .   x   .   .   x   .   .
followup.new_plan            .   .   .   .   .   x   .   .   x   .   .
followup.import_plan         .   .   .   .   .   x   .   .   x   .   .
followup.plan                .   .   .   .   .   x   .   .   x   .   .
followup.compare_plan        .   .   .   .   .   x   .   .   x   .   .
followup.export_plan         .   .   .   .   .   x   .   .   x   .   .
followup.begin_plan_draft    .   .   .   .   .   x   .   .   x   .   .
followup.plan_rules          .   .   .   .   .   x   .   .   x   .   .
followup.add_plan_step       .   .   .   .   .   x   .   .   x   .   .
followup.plan_step           .   .   .   .   .   x   .   .   x   .   .
followup.move_plan_step      .   .   .   .   .   x   .   .   x   .   .
followup.discard_plan_draft  .   .   .   .   .   x   .   .   x   .   .
followup.publish_plan        .   .   .   .   .   x   .   .   x   .   .
followup.switch_plan         .   .   .   .   .   x   .   .   x   .   .
followup.try_plan            .   .   .   .   .   x   .   .   x   .   .
followup.log_contact         x   x   x   x   x   .   .   .   .   .   .
followup.from_visit          x   x   x   x   x   .   .   .   .   .   .
followup.visit_links         .   .   .   .   .   .   .   .   x   x   .
followup.why                 x   x   x   x   x   x   x   x   .   x   x
followup.recalls             .   .   .   .   .   x   .   x   .   .   .
followup.review              .   .   .   .   .   x   .   x   .   .   .
followup.home_visits         .   .   .   x   .   x   .   .   .   .   .
followup.book_visits         .   .   .   x   .   x   .   .   .   .   .
followup.move_visit          .   .   .   x   .   x   .   .   .   .   .
followup.visit_teams         .   .   .   x   .   x   .   .   .   .   .
followup.visit_form          x   x   x   x   x   .   .   .   .   .   .
followup.home_visit          x   x   x   x   x   .   .   .   .   .   .
followup.alerts              x   x   x   x   x   x   x   x   .   x   .
followup.alert               x   x   x   x   x   x   x   x   .   x   .
followup.live                x   x   x   x   x   x   x   x   .   x   .
followup.times               x   x   x   x   x   x   x   x   .   x   .
followup.hand_over           x   x   x   .   x   x   x   x   .   .   .
followup.on_call             .   .   .   .   x   x   .   .   .   .   .
followup.add_turn            .   .   .   .   x   x   .   .   .   .   .
followup.remove_turn         .   .   .   .   x   x   .   .   .   .   .
followup.acknowledge         x   x   x   .   x   x   x   x   .   .   .
followup.take                x   x   x   .   x   x   x   x   .   .   .
followup.invitations         .   .   .   .   x   x   .   x   .   x   .
followup.revoke              .   .   .   .   x   x   .   .   x   x   .
followup.resolve             x   x   x   .   x   x   x   x   .   .   .
patients.search              x   x   x   x   x   x   x   x   .   x   x
patients.patient             x   x   x   x   x   x   x   x   .   x   x
patients.add_number          x   x   x   x   x   .   .   .   .   .   .
patients.change_number       x   x   x   x   x   .   .   .   .   .   .
patients.retire_number       x   x   x   x   x   .   .   .   .   .   .
patients.change_consent      x   x   x   x   x   .   .   .   .   .   .
patients.change_language     x   x   x   x   x   .   .   .   .   .   .
patients.change_flags        x   x   x   x   x   .   .   .   .   .   .
patients.report_death        x   x   x   x   x   .   .   .   .   .   .
patients.confirm_death       .   x   .   .   x   x   .   .   .   .   .
patients.withdraw_death      .   x   .   .   x   x   .   .   .   .   .
patients.choose_other        .   .   x   .   .   .   .   x   .   .   .
patients.compare             .   .   x   .   .   .   .   x   .   .   .
patients.duplicates          .   .   x   .   .   .   .   x   .   .   .
patients.tell_apart          .   .   x   .   .   .   .   x   .   .   .
patients.undo_tell_apart     .   .   x   .   .   .   .   x   .   .   .
patients.merge               .   .   x   .   .   .   .   x   .   .   .
patients.undo_merge          .   .   x   .   .   .   .   x   .   .   .
messaging.inbox              x   .   x   .   x   .   x   .   .   .   .
messaging.text               x   .   x   .   x   .   x   .   .   .   .
messaging.claim_text         x   .   x   .   x   .   x   .   .   .   .
messaging.hand_over          x   .   x   .   x   .   x   .   .   .   .
messaging.say_whose          x   .   x   .   x   .   x   .   .   .   .
messaging.close_text         x   .   x   .   x   .   x   .   .   .   .
messaging.answer_text        x   .   x   .   x   .   x   .   .   .   .
messaging.settle             x   .   x   .   x   .   x   .   .   .   .
messaging.why                x   x   x   x   x   x   x   x   .   x   x
messaging.why_text           x   x   x   x   x   x   x   x   .   x   x
messaging.templates          .   .   .   .   x   x   .   .   x   .   .
messaging.template           .   .   .   .   x   x   .   .   x   .   .
messaging.save_template      .   .   .   .   x   x   .   .   x   .   .
messaging.handset            x   x   x   x   x   x   x   x   x   x   x
messaging.phone              x   x   x   x   x   x   x   x   x   x   x
messaging.screen             x   x   x   x   x   x   x   x   x   x   x
messaging.reply              x   x   x   x   x   x   x   x   x   x   x
reporting.overview_page      .   .   .   .   x   x   x   x   .   x   .
reporting.departments_page   .   .   .   .   x   x   x   x   .   x   .
reporting.departments_file   .   .   .   .   x   x   x   x   .   x   .
reporting.definitions_page   .   .   .   .   x   x   x   x   .   x   .
reporting.export             .   .   .   .   x   x   x   x   .   x   .
reporting.export_workbook    .   .   .   .   x   x   x   x   .   x   .
reporting.followup_page      .   .   .   .   x   x   x   x   .   x   .
reporting.returns_page       .   .   .   .   x   x   x   x   .   x   .
reporting.said_page          .   .   .   .   x   x   x   x   .   x   .
reporting.words_page         .   .   .   .   x   x   .   .   x   x   .
reporting.bulletin_page      .   .   .   .   x   x   x   x   .   x   .
reporting.targets_page       .   .   .   .   x   x   .   x   .   .   .
reporting.improvements_page  .   .   .   .   x   x   .   x   .   .   .
reporting.measures_page      .   .   .   .   .   x   .   x   .   .   .
reporting.retire             .   .   .   .   .   x   .   x   .   .   .
reporting.move               .   .   .   .   x   x   .   x   .   .   .
reporting.register_page      .   .   .   .   x   x   .   x   .   x   .
reporting.register_file      .   .   .   .   x   x   .   x   .   x   .
reporting.my_work            x   x   x   x   x   .   .   .   .   .   .
reporting.review_page        .   .   .   .   x   .   .   .   .   .   .
reporting.approve            .   .   .   .   x   .   .   .   .   .   .
reporting.answer             .   .   .   .   x   .   .   .   .   .   .
reporting.mine               .   .   .   .   x   x   x   x   .   x   .
reporting.keep_view          .   .   .   .   x   x   x   x   .   x   .
reporting.forget_view        .   .   .   .   x   x   x   x   .   x   .
reporting.stop_letter        .   .   .   .   x   x   x   x   .   x   .
reporting.access             .   .   .   .   .   .   .   .   x   x   .
reporting.revoke_access      .   .   .   .   .   .   .   .   x   x   .
reporting.api_description    public
reporting.api_report         public
reporting.patients_page      .   .   .   .   x   x   .   x   .   x   .
reporting.patients_file      .   .   .   .   x   x   .   x   .   x   .
intake.index                 .   .   .   .   .   .   .   .   x   x   .
intake.mapping               .   .   .   .   .   .   .   .   x   x   .
intake.show                  .   .   .   .   .   .   .   .   x   x   .
intake.progress              .   .   .   .   .   .   .   .   x   x   .
intake.confirm               .   .   .   .   .   .   .   .   x   x   .
intake.discard               .   .   .   .   .   .   .   .   x   x   .
intake.messages              .   .   .   .   .   .   .   .   x   x   .
intake.leave_out             .   .   .   .   .   .   .   .   x   x   .
intake.refused               .   .   .   .   .   .   .   .   x   x   .
intake.profiles              .   .   .   .   .   .   .   .   x   x   .
intake.keep_profile          .   .   .   .   .   .   .   .   x   x   .
intake.rename_profile        .   .   .   .   .   .   .   .   x   x   .
intake.drop_profile          .   .   .   .   .   .   .   .   x   x   .
intake.profile_file          .   .   .   .   .   .   .   .   x   x   .
intake.profile_words         .   .   .   .   .   .   .   .   x   x   .
intake.undo                  .   .   .   .   .   .   .   .   x   x   .
intake.access                .   .   .   .   .   .   .   .   x   x   .
intake.revoke                .   .   .   .   .   .   .   .   x   x   .
fhir.take                    public
twilio.text_from_phone       public
twilio.status_of_message     public
said.page                    .   .   .   .   x   x   x   x   .   x   .
said.file                    .   .   .   .   x   x   x   x   .   x   .
questionnaires.index         .   .   .   .   x   x   .   .   x   x   .
questionnaires.create        .   .   .   .   x   x   .   .   x   x   .
questionnaires.one           .   .   .   .   x   x   .   .   x   x   .
questionnaires.begin         .   .   .   .   x   x   .   .   x   x   .
questionnaires.draft         .   .   .   .   x   x   .   .   x   x   .
questionnaires.save_words    .   .   .   .   x   x   .   .   x   x   .
questionnaires.move          .   .   .   .   x   x   .   .   x   x   .
questionnaires.add           .   .   .   .   x   x   .   .   x   x   .
questionnaires.question      .   .   .   .   x   x   .   .   x   x   .
questionnaires.save_question .   .   .   .   x   x   .   .   x   x   .
questionnaires.remove        .   .   .   .   x   x   .   .   x   x   .
questionnaires.publish       .   .   .   .   .   x   .   .   x   x   .
questionnaires.copy          .   .   .   .   x   x   .   .   x   x   .
followup.retiring            .   .   .   .   .   x   .   .   x   x   .
followup.retire_questionnaire .   .   .   .   .   x   .   .   x   x   .
questionnaires.discard       .   .   .   .   x   x   .   .   x   x   .
questionnaires.preview       .   .   .   .   x   x   .   .   x   x   .
questionnaires.file          .   .   .   .   x   x   .   .   x   x   .
questionnaires.take_in       .   .   .   .   x   x   .   .   x   x   .
questionnaires.compare       .   .   .   .   x   x   .   .   x   x   .
appointments.calendar        x   x   x   x   x   x   .   .   .   .   .
appointments.day_list        x   x   x   x   x   x   .   .   .   .   .
appointments.waiting         x   x   x   x   x   x   .   .   .   .   .
appointments.figures         .   .   .   .   x   x   x   x   .   x   .
appointments.visit           x   x   x   x   x   x   .   .   .   .   .
appointments.change_visit    x   x   x   x   x   .   .   .   .   .   .
appointments.book            x   x   x   x   x   .   .   .   .   .   .
appointments.take_place      x   x   x   x   x   .   .   .   .   .   .
appointments.wait            x   x   x   x   x   .   .   .   .   .   .
appointments.sessions        .   .   .   .   x   x   .   .   .   .   .
appointments.one_session     .   .   .   .   x   x   .   .   .   .   .
appointments.change_session  .   .   .   .   x   x   .   .   .   .   .
appointments.close_days      .   .   .   .   x   x   .   .   .   .   .
appointments.return_rules    .   .   .   .   x   x   .   .   .   .   .
appointments.close_sitting   .   .   .   .   x   x   .   .   .   .   .
appointments.renew_feed      .   .   .   .   x   x   .   .   .   .   .
visits.page                  public
visits.answer                public
visits.calendar_file         public
visits.feed                  public
survey.entry                 public
survey.begin                 public
survey.check                 public
survey.prove                 public
survey.question              public
survey.answer                public
survey.emergency             public
survey.done                  public
survey.finish                public
accounts.login               public
accounts.choose_language     public
bootstrap.static             public
health.healthz               public
health.readyz                public
health.metrics               public
static                       public
vendor.bootstrap             public
vendor.plotly                public
"""

ABSENT = 999_999_999


def rows() -> Mapping[str, frozenset[Role] | None]:
    """Endpoint -> the roles that may use it; None = public."""
    found: dict[str, frozenset[Role] | None] = {}
    for line in MATRIX.strip().splitlines()[1:]:
        endpoint, *marks = line.split()
        assert endpoint not in found, f"{endpoint} has two rows"
        if marks == ["public"]:
            found[endpoint] = None
            continue
        assert len(marks) == len(COLUMNS), f"the row of {endpoint} is not complete"
        assert set(marks) <= {"x", "."}, endpoint
        found[endpoint] = frozenset(role for role, mark in zip(COLUMNS, marks, strict=True) if mark == "x")
    return found


def calls(app: Flask) -> list[tuple[str, str, str]]:
    """(endpoint, method, address) of everything that can be asked for, with ids that do not exist."""
    with app.test_request_context():
        return [
            (rule.endpoint, method, app.url_for(rule.endpoint, **_values(rule)))
            for rule in app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        ]


def _values(rule: Rule) -> dict[str, Any]:
    return {name: _value(rule._converters[name]) for name in rule.arguments}


def _value(converter: BaseConverter) -> Any:
    if isinstance(converter, IntegerConverter):
        return ABSENT
    if isinstance(converter, AnyConverter):
        return min(converter.items)
    return "none"


@pytest.fixture
def staff(runtime: Runtime, facility: int) -> Mapping[Role, int]:
    """One person for each role."""
    with unit_of_work(runtime.sessions) as session:
        return {
            role: service.create_user(
                session,
                username=role.value,
                password="correct horse battery staple",
                display_name=role.value,
                language=Language.EN,
                memberships=[MembershipSnapshot(facility, role)],
                now=runtime.clock.now(),
            )
            for role in Role
        }


def ask(app: Flask, runtime: Runtime, user_id: int | None, method: str, address: str) -> Any:
    client = app.test_client()
    if user_id is not None:
        moment = runtime.clock.now().timestamp()
        with client.session_transaction() as session:
            session.update(_user_id=f"{user_id}:1", number=token_hex(8), started_at=moment, seen_at=moment)
    return client.open(address, method=method, buffered=True)


def test_every_endpoint_has_a_row_and_every_row_an_endpoint(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}

    assert endpoints - set(rows()) == set(), "endpoints without a row: say who may use them"
    assert set(rows()) - endpoints == set(), "rows without an endpoint"


def test_every_endpoint_declares_what_it_is_for(app: Flask) -> None:
    undeclared = [rule.endpoint for rule in app.url_map.iter_rules() if access_of(app, rule.endpoint) is None]

    assert undeclared == []


def test_each_role_reaches_exactly_what_the_matrix_says(
    app: Flask, runtime: Runtime, staff: Mapping[Role, int]
) -> None:
    allowed = rows()
    wrong = []
    for endpoint, method, address in calls(app):
        roles = allowed[endpoint]
        if roles is None:
            continue
        for role, user_id in staff.items():
            answer = ask(app, runtime, user_id, method, address)
            refused = answer.status_code == 403
            if refused is (role in roles) or answer.status_code >= 500:
                wrong.append(f"{role} {method} {address} ({endpoint}): {answer.status_code}")

    assert wrong == []


def test_stranger_reaches_what_is_public_and_is_sent_to_the_log_in_elsewhere(app: Flask, runtime: Runtime) -> None:
    allowed = rows()
    wrong = []
    for endpoint, method, address in calls(app):
        answer = ask(app, runtime, None, method, address)
        sent_away = answer.status_code == 302 and str(answer.location).startswith("/login")
        if sent_away is (allowed[endpoint] is None):
            wrong.append(f"{method} {address} ({endpoint}): {answer.status_code} {answer.location}")

    assert wrong == []


def test_refusal_is_audited_with_who_and_what(app: Flask, runtime: Runtime, staff: Mapping[Role, int]) -> None:
    ask(app, runtime, staff[Role.NURSE], "GET", "/users/17")

    with runtime.engine.connect() as connection:
        found = connection.execute(
            text("SELECT actor_user_id, action, object_id, details FROM audit_entry WHERE outcome = 'denied'")
        ).one()
    assert tuple(found) == (
        staff[Role.NURSE],
        Action.ADMINISTER.value,
        17,
        {"endpoint": "accounts.one_user", "method": "GET"},
    )


def test_endpoint_that_says_nothing_is_closed_to_everybody(runtime: Runtime, staff: Mapping[Role, int]) -> None:
    app = create_app(runtime.settings, runtime=runtime)
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")

    for user_id in staff.values():
        assert ask(app, runtime, user_id, "GET", "/forgotten").status_code == 403
    assert ask(app, runtime, None, "GET", "/forgotten").status_code == 302
