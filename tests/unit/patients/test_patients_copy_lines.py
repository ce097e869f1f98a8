"""Lines for COPY: whatever a cell holds, it comes back as that cell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hcrm.patients.domain.lines import NULL, copy_block, copy_line, text_array

cells = st.text(st.sampled_from("a王\\\t\n\r\"'{},. N"), max_size=8)
UNESCAPED = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}


def read(line: str) -> list[str]:
    """The cells of a line, read by the rules of COPY's text format."""
    assert line.endswith("\n")
    found = [""]
    characters = iter(line[:-1])
    for character in characters:
        if character == "\t":
            found.append("")
        elif character == "\\":
            found[-1] += UNESCAPED[next(characters)]
        else:
            assert character not in "\n\r"
            found[-1] += character
    return found


@given(st.lists(cells, min_size=1, max_size=5))
def test_any_cells_come_back_as_they_were(row: list[str]) -> None:
    assert read(copy_line(row)) == row


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=4))
def test_a_block_is_its_lines(rows: list[list[str]]) -> None:
    assert copy_block(rows) == "".join(map(copy_line, rows))


def test_null_is_told_from_empty_text() -> None:
    assert copy_line(["a", NULL, ""]) == f"a\t{NULL}\t\n"


def test_an_array_quotes_what_has_a_meaning_in_it() -> None:
    assert text_array(()) == "{}"
    assert text_array(('a"b', "c\\d", "e,f")) == r'{"a\"b","c\\d","e,f"}'
