"""Rules over the source itself: sizes, who commits, who imports inside functions, what files may name."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = sorted((ROOT / "hcrm").rglob("*.py"))
LONGEST_MODULE = 400
LONGEST_ROUTE = 15
COMMITS = {"hcrm/unit_of_work.py"}
CLOCK = "hcrm/clock.py"
FORBIDDEN_CLOCKS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "monotonic", "perf_counter", "time_ns", "sleep"},
}
NAMES_OF_NOBODY = {"utils", "helpers", "manager", "managers", "common", "misc"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def statements(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Statements in the body, its docstring and those of nested functions' bodies counted like any other."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return sum(isinstance(node, ast.stmt) for part in body for node in ast.walk(part))


def is_route(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = [node for node in function.decorator_list if isinstance(node, ast.Call)]
    return any(
        isinstance(call.func, ast.Attribute) and call.func.attr in {"route", "get", "post", "put", "patch", "delete"}
        for call in calls
    )


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_is_short_enough_to_be_read(path):
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE


def test_a_route_does_four_things_and_no_more():
    long = {
        f"{name(path)}:{function.lineno} {function.name}": statements(function)
        for path in SOURCES
        for function in functions(tree(path))
        if is_route(function) and statements(function) > LONGEST_ROUTE
    }
    assert long == {}


def test_only_the_unit_of_work_commits():
    committing = {name(path) for path in SOURCES if re.search(r"\.commit\(", path.read_text())}
    assert committing == COMMITS


def test_nothing_of_ours_is_imported_inside_a_function():
    """Such imports hide cycles from the import contracts."""
    hidden = [
        f"{name(path)}:{node.lineno}"
        for path in SOURCES
        for function in functions(tree(path))
        for node in ast.walk(function)
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hcrm"))
        or (isinstance(node, ast.Import) and any(alias.name.startswith("hcrm") for alias in node.names))
    ]
    assert hidden == []


def test_only_the_clock_reads_the_time():
    reading = [
        f"{name(path)}:{node.lineno}"
        for path in SOURCES
        if name(path) != CLOCK
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.attr in FORBIDDEN_CLOCKS.get(node.func.value.id, set())
    ]
    assert reading == []


def test_the_database_does_not_tell_the_business_time():
    """``now()`` in SQL follows the server's clock, which a simulation cannot move; leases use ``clock_timestamp()``."""
    pattern = re.compile(
        r"func\.now\(|\bCURRENT_TIMESTAMP\b|\bCURRENT_DATE\b|server_default=.*now|[^_.\w]now\(\)[^\w]*::"
    )
    using = [
        f"{name(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert using == []


def test_only_the_configuration_reads_the_environment():
    reading = [name(path) for path in SOURCES if re.search(r"os\.(environ|getenv)", path.read_text())]
    assert reading == []


def test_packages_and_modules_have_names_that_say_what_they_are():
    nameless = [name(path) for path in SOURCES if NAMES_OF_NOBODY & set(path.with_suffix("").parts)]
    assert nameless == []


def test_every_module_says_what_it_is_for():
    assert [name(path) for path in SOURCES if not ast.get_docstring(tree(path))] == []


def test_no_file_names_a_package_index():
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if tracked.returncode != 0:
        pytest.skip("this is not a git checkout")
    indexes = re.compile(
        rb"--(extra-)?index-url|--find-links|pypi\.org/simple|files\.pythonhosted\.org|registry\.npmjs"
    )
    naming = [
        path
        for path in tracked.stdout.decode().split("\0")
        if path
        and path != name(Path(__file__))
        and (ROOT / path).is_file()
        and indexes.search((ROOT / path).read_bytes())
    ]
    assert naming == []


def test_requirements_are_pinned_with_hashes():
    for lock in (ROOT / "requirements").glob("*.txt"):
        lines = [line for line in lock.read_text().splitlines() if re.match(r"[a-z0-9]", line)]
        assert lines
        assert all(re.match(r"[a-z0-9._-]+==", line) and line.endswith("\\") for line in lines)
