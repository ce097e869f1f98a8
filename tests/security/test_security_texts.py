"""Texts marked for translation: a lazy one is not escaped by templates, so it may hold nothing but words of our own."""

from __future__ import annotations

import ast
from pathlib import Path

import hcrm

ROOT = Path(hcrm.__file__).parent


def test_lazy_texts_made_in_functions_take_labels_only() -> None:
    """Outside of functions there is nothing yet that somebody could have typed."""
    wrong = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in ROOT.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and is_lazy(call) and not all(is_label(given.value) for given in call.keywords)
    ]

    assert wrong == []


def is_lazy(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in {"_l", "lazy_gettext"}


def is_label(value: ast.expr) -> bool:
    """True for an entry of a table of labels (``FIELD_LABELS[name]``) and for a number."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int)
    return isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name) and value.value.id.isupper()
