"""The merge ledger: whatever is merged and undone, the records that stand together are those joined by what holds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm.patients.domain import persons_of

RECORDS = range(8)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), st.sampled_from(RECORDS), st.sampled_from(RECORDS)),
        st.tuples(st.just("undo"), st.integers(0, 20), st.just(0)),
    ),
    max_size=30,
)


def played(moves: list[tuple[str, int, int]]) -> list[tuple[int, int]]:
    """The entries that hold after the moves; as in the service, a merge joins the persons of two records."""
    entries: list[tuple[int, int]] = []
    for kind, first, second in moves:
        if kind == "merge":
            persons = persons_of(RECORDS, entries)
            if persons[first] != persons[second]:
                entries.append((persons[first], persons[second]))
        elif entries:
            entries.pop(first % len(entries))
    return entries


def groups(entries: list[tuple[int, int]]) -> set[frozenset[int]]:
    """Records joined by entries, found without following them."""
    joined = [{record} for record in RECORDS]
    for one, other in entries:
        together = next(group for group in joined if one in group) | next(group for group in joined if other in group)
        joined = [group for group in joined if not group & together] + [together]
    return {frozenset(group) for group in joined}


@settings(max_examples=200, deadline=None)
@given(steps)
def test_records_are_one_person_exactly_when_entries_that_hold_join_them(moves: list[tuple[str, int, int]]) -> None:
    entries = played(moves)
    persons = persons_of(RECORDS, entries)

    found = {frozenset(each for each in RECORDS if persons[each] == person) for person in set(persons.values())}

    assert found == groups(entries)


@settings(max_examples=100, deadline=None)
@given(steps)
def test_the_record_that_stands_for_a_person_is_one_of_its_own_and_stands_for_itself(
    moves: list[tuple[str, int, int]],
) -> None:
    persons = persons_of(RECORDS, played(moves))

    assert all(persons[person] == person for person in persons.values())


def test_undoing_in_the_middle_of_a_chain_leaves_the_rest_joined() -> None:
    assert persons_of([1, 2, 3], [(1, 2), (2, 3)]) == {1: 3, 2: 3, 3: 3}
    assert persons_of([1, 2, 3], [(2, 3)]) == {1: 1, 2: 3, 3: 3}
    assert persons_of([1, 2, 3], [(1, 2)]) == {1: 2, 2: 2, 3: 3}
