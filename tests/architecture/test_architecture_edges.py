"""Rules over what the outside meets: endpoints, jobs, settings, translations."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import Environment
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from hcrm.accounts.guard import access_of
from hcrm.app import create_app
from hcrm.clock import SystemClock
from hcrm.settings import Settings
from hcrm.unit_of_work import Runtime
from hcrm.worker.jobs import JOBS

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUES = sorted((ROOT / "hcrm" / "translations").glob("*/LC_MESSAGES/messages.po"))
TEMPLATES = sorted((ROOT / "hcrm" / "templates").rglob("*.html"))
KEYWORDS = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
WORDS = re.compile(r"[A-Za-z]{3,}\s+[A-Za-z]{2,}")
UNSHOWN = re.compile(
    r"<(script|style|svg|kbd|code)\b.*?</\1>|{#.*?#}|{%-?\s*trans\b.*?endtrans\s*-?%}|{%.*?%}|{{.*?}}|<!--.*?-->|<[^>]*>",
    re.DOTALL,
)


@pytest.fixture(scope="module")
def messages() -> set[str]:
    """All texts that the source marks for translation."""
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    found = extract_from_dir(ROOT / "hcrm", methods, keywords=KEYWORDS, strip_comment_tags=True)
    return {text if isinstance(text, str) else text[0] for _, _, text, _, _ in found}


def test_every_endpoint_declares_an_action_or_that_it_is_public(tmp_path):
    settings = Settings(instance_dir=tmp_path, secret_key="x" * 32, demo=True)
    engine = create_engine("postgresql+psycopg://")
    runtime = Runtime(settings, SystemClock(), engine, lambda: Session(engine))
    app = create_app(settings, runtime=runtime)
    silent = [rule.endpoint for rule in app.url_map.iter_rules() if access_of(app, rule.endpoint) is None]
    assert silent == []


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_job_of_the_worker_is_tested(job):
    tests = [path.read_text() for path in (ROOT / "tests" / "integration").rglob("test_*.py")]
    assert any(re.search(rf"\b({job.function.__name__}|{job.name})\b", text) for text in tests)


def test_every_setting_is_documented():
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', (ROOT / "config.py").read_text()))
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "docs" / "deployment.md").read_text()))
    assert {"DATABASE_URL", "SECRET_KEY", "HCRM_PORT"} <= read
    assert read - documented == set()


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_every_text_is_translated_and_none_is_fuzzy(path, messages):
    with path.open("rb") as file:
        catalogue = read_po(file)
    translated = {(entry.id if isinstance(entry.id, str) else entry.id[0]): entry for entry in catalogue if entry.id}
    missing = sorted(text for text in messages if text not in translated)
    empty = sorted(text for text, entry in translated.items() if not all(_strings(entry.string)))
    fuzzy = sorted(text for text, entry in translated.items() if entry.fuzzy)
    assert (missing, empty, fuzzy) == ([], [], [])


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_translation_has_the_placeholders_of_its_text(path):
    with path.open("rb") as file:
        catalogue = read_po(file)
    wrong = [
        entry.id
        for entry in catalogue
        if entry.id
        and any(_placeholders(text) != _placeholders(_strings(entry.id)[-1]) for text in _strings(entry.string) if text)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_sentence_of_a_template_goes_untranslated(path):
    source = path.read_text()
    Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], autoescape=True).parse(source)
    shown = UNSHOWN.sub("\n", source)
    assert [line.strip() for line in shown.splitlines() if WORDS.search(line)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_keep_to_the_content_security_policy(path):
    source = path.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", source.replace('type="application/json"', "src=data"))
    assert not re.search(r"<style\b|\sstyle\s*=\s*[\"']|\son[a-z]+\s*=\s*[\"']", source)


def test_python_shows_no_text_without_marking_it():
    """Messages to a person on the web go through gettext: the first argument of ``flash`` is never a plain string."""
    plain = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "hcrm").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "flash"
        and isinstance(node.args[0], ast.Constant | ast.JoinedStr)
    ]
    assert plain == []


def test_no_text_hides_in_an_f_string():
    """Whoever collects the texts does not look into f-strings, so the text would be in no catalogue."""
    hidden = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in (ROOT / "hcrm").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.JoinedStr)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS
    ]
    assert hidden == []


def _strings(value: str | tuple[str, ...] | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)", text))
