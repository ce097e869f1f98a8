"""Which department a record means that names one without its code.

Readers put the name where the code is missing (cut and marked where it is long), so that no record is without either.
Here such a name finds the department that is called so, in either language.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from hcrm.patients.domain.codes import EXPLICIT_NULL
from hcrm.patients.domain.facts import Fact, department_named

_MARK: Final = 17
"""How long the mark is that ends the code of a long name: ``~`` and sixteen digits."""


class KnownDepartments(NamedTuple):
    """The departments of a facility: ids by code, and the codes that a name (as ``name_key``) may stand for."""

    ids: Mapping[str, int]
    called: Mapping[str, tuple[str, ...]]

    def code_for(self, code: str, name: str | None) -> str:
        """The code of the department that a record means; ``code`` itself where no single known one is called ``name``.

        A code that is known holds, and so does an unknown one that is not the name: that is a department of its own.
        """
        if code in self.ids or not _is_name(code, name or code):
            return code
        found = self.called.get(name_key(name or code), ())
        return found[0] if len(found) == 1 else code

    def unknown(self, named: Mapping[str, str]) -> dict[str, str]:
        """Those of the departments in ``named`` (names by code) that have to be made.

        One that is named without its code may be another of them, which comes with it.
        """
        coded = {code: name for code, name in named.items() if code not in self.ids and not _is_name(code, name)}
        called = dict(self.called)
        for code, name in coded.items():
            called[name_key(name)] = (*called.get(name_key(name), ()), code)
        with_them = KnownDepartments({**self.ids, **dict.fromkeys(coded, 0)}, called)
        return {code: name for code, name in named.items() if self._is_unknown(with_them, code, name)}

    def _is_unknown(self, with_coded: KnownDepartments, code: str, name: str) -> bool:
        return with_coded.code_for(code, name) == code and code not in self.ids

    def in_codes(self, fact: Fact) -> Fact:
        """``fact`` with the known code of its department in place of its name."""
        said, name = department_named(fact.fields), fact.fields.get("department_name")
        code = self.code_for(said, None if name is EXPLICIT_NULL else name) if said else said
        return fact if code == said else fact._replace(fields={**fact.fields, "department_code": code})


def departments_known(rows: Iterable[tuple[int, str, str, str, bool]]) -> KnownDepartments:
    """``rows`` are id, code, both names, and whether it is in use: those that are come before those that are not."""
    ids: dict[str, int] = {}
    called: dict[str, dict[str, bool]] = {}
    for department_id, code, name, name_zh, active in rows:
        ids[code] = department_id
        for each in (name, name_zh):
            if each:
                called.setdefault(name_key(each), {})[code] = active
    return KnownDepartments(ids, {key: _meant(codes) for key, codes in called.items()})


def _meant(codes: Mapping[str, bool]) -> tuple[str, ...]:
    return tuple(code for code, active in codes.items() if active) or tuple(codes)


def name_key(name: str) -> str:
    """Names are the same whatever their case, width and spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _is_name(code: str, name: str) -> bool:
    return code == name or (code[-_MARK : -_MARK + 1] == "~" and name.startswith(code[:-_MARK]))
