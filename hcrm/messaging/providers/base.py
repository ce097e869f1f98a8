"""What a provider of text messages must be able to do, and what it says about itself.

A vendor's codes become ours inside its own modules. ``send`` is called with no transaction open. It may raise anything:
then nobody knows whether the text went out, and it is settled later by ``find`` or by a receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

import phonenumbers

from hcrm.messaging.domain import HandedOver, MessageStatus, Reason


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider takes. ``countries`` are ISO codes, None for all; ``differs_in`` holds what is otherwise in a
    country, None where it serves none of its numbers.
    """

    two_way: bool = True
    links: bool = True
    template_registration: bool = False
    adds_signature: bool = False
    countries: frozenset[str] | None = None
    differs_in: Mapping[str, Capabilities | None] = field(default_factory=dict)

    def at(self, country: str) -> Capabilities | None:
        """What it takes for numbers of ``country`` (ISO, empty when unknown); None when it does not serve them."""
        if country in self.differs_in:
            return self.differs_in[country]
        return self if self.countries is None or country in self.countries else None


@dataclass(frozen=True, slots=True)
class Terms:
    """Who sends to a number, and what that provider takes."""

    name: str
    capabilities: Capabilities


TermsOf = Callable[[str], Terms]
"""(number in E.164) -> the terms of whoever sends to it."""


@lru_cache(maxsize=10_000)
def country_of(number: str) -> str:
    """The ISO code of the country a number (E.164) belongs to; empty when it belongs to none."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        return ""


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """One text for one phone; ``attempt_id`` is the only name that both sides know it by.

    ``template_number`` is what the provider registered the wording under, where it asks for that.
    """

    attempt_id: int
    to_number: str
    from_number: str
    body: str
    message_id: int = 0
    template_number: str = ""


@dataclass(frozen=True, slots=True)
class SendResult:
    """What the provider said: accepted or better, or a failure with the reason; ``error_code`` is the vendor's own.

    ``untried``: the provider took nothing and would have taken no other message either (throttled, away, account
    closed): the message waits and its tries are not used up. ``number_gone``: no text will ever reach this number.
    """

    status: MessageStatus
    provider_sid: str | None = None
    reason: Reason | None = None
    error_code: str | None = None
    segments: int | None = None
    price: Decimal | None = None
    price_currency: str | None = None
    untried: bool = False
    number_gone: bool = False


@dataclass(frozen=True, slots=True)
class Understood:
    """What a stored receipt says: about which attempt of which message, or about which provider id, and what."""

    message_id: int | None
    attempt_id: int | None
    provider_sid: str | None
    result: SendResult | None


class SmsProvider(Protocol):
    """A way to send text messages."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def at_once(self) -> int:
        """How many calls may be under way at the same time."""
        ...

    def send(self, sms: OutgoingSms) -> SendResult:
        """Hand over one text."""
        ...

    def find(self, asked: HandedOver) -> SendResult | None:
        """What the provider knows about an attempt; None when it knows nothing of it for sure."""
        ...


class Providers:
    """The providers of this installation: one for each country that has its own, and one for all others."""

    def __init__(self, standard: SmsProvider, by_country: Mapping[str, SmsProvider] | None = None) -> None:
        self._standard = standard
        self._by_country = dict(by_country or {})
        self._by_name = {each.name: each for each in (*self._by_country.values(), standard)}

    @classmethod
    def of(cls, given: SmsProvider | Providers) -> Providers:
        """``given`` itself, or the one provider for all countries."""
        return given if isinstance(given, Providers) else cls(given)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._by_name)

    @property
    def at_once(self) -> int:
        """How many calls may be under way at the same time, over all of them."""
        return max(each.at_once for each in self._by_name.values())

    def for_number(self, number: str) -> SmsProvider:
        """Who sends to this number."""
        return self._by_country.get(country_of(number), self._standard)

    def terms(self, number: str) -> Terms:
        """The terms of whoever sends to this number."""
        provider = self.for_number(number)
        return Terms(provider.name, provider.capabilities)

    def named(self, name: str) -> SmsProvider | None:
        """The provider of an earlier attempt; None when it is no longer set up."""
        return self._by_name.get(name)
