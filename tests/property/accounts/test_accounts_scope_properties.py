"""The scope of an actor and the single decision never disagree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hcrm.accounts.domain import Action, Actor, Language, MembershipSnapshot, Role, permitted, scope_of

memberships = st.lists(
    st.builds(
        MembershipSnapshot,
        st.integers(1, 3),
        st.sampled_from(Role),
        st.none() | st.integers(1, 4),
    ),
    max_size=5,
)
wanted = st.sampled_from([action for action in Action if action is not Action.USE_ACCOUNT])
departments = st.none() | st.frozensets(st.integers(1, 4), max_size=3)


@given(memberships, wanted, st.integers(1, 4), departments)
def test_what_is_permitted_is_what_the_scope_covers(
    held: list[MembershipSnapshot], action: Action, facility_id: int, touched: frozenset[int] | None
) -> None:
    actor = Actor(1, "a", "A", Language.EN, tuple(held))

    assert permitted(actor, action, facility_id, touched) == scope_of(actor, action).covers(facility_id, touched)


@given(memberships, wanted, st.integers(1, 4), departments, memberships)
def test_another_membership_never_takes_anything_away(
    held: list[MembershipSnapshot],
    action: Action,
    facility_id: int,
    touched: frozenset[int] | None,
    added: list[MembershipSnapshot],
) -> None:
    before = Actor(1, "a", "A", Language.EN, tuple(held))
    after = Actor(1, "a", "A", Language.EN, (*held, *added))

    assert permitted(after, action, facility_id, touched) >= permitted(before, action, facility_id, touched)
