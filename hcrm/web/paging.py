"""Pages of long lists: the number of the page is kept in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from flask import request, url_for

Item = TypeVar("Item")

PAGE_SIZE = 50
LAST_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list. Ask the database for one item more than ``size`` and give all to ``of``."""

    items: Sequence[Item]
    number: int
    has_next: bool
    size: int = PAGE_SIZE

    @classmethod
    def of(cls, found: Sequence[Item], number: int, size: int = PAGE_SIZE) -> Page[Item]:
        """A page from up to ``size + 1`` items; the one too many only says that there is a next page."""
        return cls(found[:size], number, len(found) > size, size)

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    def url(self, number: int) -> str:
        """The address of another page of the same list, with the filters that are in the address now."""
        filters = [(name, value) for name, value in request.args.items(multi=True) if name != "page"]
        address = url_for(str(request.endpoint), **(request.view_args or {}))
        return f"{address}?{urlencode([*filters, ('page', number)])}"


def page_number() -> int:
    """The page asked for in the address: 1 without one or with nonsense, at most 1,000."""
    return min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)
