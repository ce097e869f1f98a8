"""Telephone numbers that cannot be anybody's.

Every number comes from a range that its country keeps free or that its numbering plan cannot give to a subscriber; the
ranges and their sources stand in ``RESERVED``. Mobiles come from the ranges kept for fiction first; when a feed has
more people than those, from ranges that are not opened for any service.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Country = Literal["GB", "US", "CN"]


@dataclass(frozen=True, slots=True)
class Reserved:
    """A range of numbers (a pattern over E.164), why it is nobody's, and who says so."""

    country: Country
    pattern: str
    reason: str
    source: str


OFCOM = "Ofcom, Telephone numbers for use in TV and radio drama programmes"
OFCOM_PLAN = "Ofcom, The National Telephone Numbering Plan: no service is designated for numbers beginning 04"
ATIS = "ATIS-0300115, 555 NXX Line Number Assignment Guidelines: 555-0100 to 555-0199 are for fictitious use"
NANPA = "NANPA, area codes: N9X codes are reserved for the expansion of the plan and are not assigned"
MIIT = "工业和信息化部, 我国公众移动通信网网号及H0分配情况 (2023): in 15X, 154 is given to nobody"
MIIT_PLAN = "工业和信息化部, 电信网编号计划 (2017): 0 begins trunk calls, so no local number begins with it"

CITIES = (
    "0113 496 0", "0114 496 0", "0116 496 0", "0117 496 0", "0118 496 0", "0121 496 0", "0131 496 0",
    "0141 496 0", "0151 496 0", "0161 496 0", "0191 498 0", "020 7946 0", "028 9649 6", "029 2018 0",
)  # fmt: skip
"""How the geographic numbers of Ofcom's list begin that libphonenumber knows as landlines; three digits follow."""
RESERVED: tuple[Reserved, ...] = (
    Reserved("GB", r"\+447700900\d{3}", "mobiles kept for drama", OFCOM),
    Reserved("GB", r"\+441632960\d{3}", "a landline area kept for drama", OFCOM),
    Reserved("GB", r"\+44(?:1(?:1[3-8]|[2-6]1)4960|1914980)\d{3}", "landlines of cities kept for drama", OFCOM),
    Reserved("GB", r"\+44(?:2079460|2896496|2920180)\d{3}", "landlines of capitals kept for drama", OFCOM),
    Reserved("GB", r"\+444\d{9}", "numbers beginning 04", OFCOM_PLAN),
    Reserved("US", r"\+1[2-9]\d{2}55501\d{2}", "555-01xx in each area code", ATIS),
    Reserved("US", r"\+1[2-9]9\d[2-9]\d{6}", "area codes with 9 in the middle", NANPA),
    Reserved("CN", r"\+86154\d{8}", "mobiles of the 154 block", MIIT),
    Reserved("CN", r"\+865710\d{7}", "landlines beginning with 0 after the area code", MIIT_PLAN),
)
_RESERVED = re.compile("|".join(f"(?:{each.pattern})" for each in RESERVED))
_STRANGERS = re.compile(r"\+4449\d{8}|\+199\d{8}|\+861549\d{7}")

_US_AREAS = """
201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 253 254
256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330
334 336 337 339 347 351 352 360 361 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 430 432 434
435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 551 559 561
562 563 567 570 571 573 574 575 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616 617 618 619 620 623 626
630 631 636 641 646 650 651 660 661 662 678 701 702 703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 727 731
732 734 740 754 757 760 763 765 770 772 773 774 775 781 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816 817
818 828 830 831 832 843 845 847 848 850 856 857 858 859 860 862 863 864 865 870 878 901 903 904 906 907 908 909 910 912
913 914 915 916 917 918 919 920 925 928 931 936 937 940 941 947 949 951 952 954 956 970 971 972 973 978 979 980 985 989
"""
US_AREAS = tuple(_US_AREAS.split())
_DRAMA_MOBILES = 1_000
_FICTIONAL_US = 100 * len(US_AREAS)
_BLOCK = 90_000_000
_STEP = 7_919
"""Prime, so that consecutive people get numbers that do not look consecutive."""


def nobodys(number: str) -> bool:
    """Whether an E.164 number lies in one of the ranges of ``RESERVED``."""
    return _RESERVED.fullmatch(number) is not None


def of_stranger(number: str) -> bool:
    """Whether an E.164 number is one of those given as wrong numbers: whoever answers does not know the patient."""
    return _STRANGERS.fullmatch(number) is not None


def mobile(country: Country, person: int) -> str:
    """The mobile of the ``person``-th made-up person as people of the country write it; a number for each."""
    if country == "CN":
        return f"154{person * _STEP % _BLOCK:08d}"
    if country == "GB":
        if person < _DRAMA_MOBILES:
            return f"07700 900{person:03d}"
        digits = (person - _DRAMA_MOBILES) * _STEP % _BLOCK
        return f"040{digits // 1_000_000:02d} {digits % 1_000_000:06d}"
    if person < _FICTIONAL_US:
        return f"{US_AREAS[person // 100]}-555-01{person % 100:02d}"
    return _expansion(2 + person % 7, (person - _FICTIONAL_US) // 7)


def landline(country: Country, person: int) -> str:
    """A landline; in Britain numbers repeat after 14,000, in the United States they look like mobiles."""
    if country == "CN":
        return f"0571-0{person * _STEP % 10_000_000:07d}"
    if country == "US":
        return mobile(country, person)
    return f"{CITIES[person // 1_000 % len(CITIES)]}{person % 1_000:03d}"


def wrong_number(country: Country, person: int) -> str:
    """A number that reaches somebody else: reserved too, and recognised by ``of_stranger``."""
    if country == "CN":
        return f"154{_BLOCK + person * _STEP % 10_000_000:08d}"
    if country == "GB":
        digits = person * _STEP % 100_000_000
        return f"049{digits // 1_000_000:02d} {digits % 1_000_000:06d}"
    return _expansion(9, person)


def _expansion(first: int, count: int) -> str:
    rest = count // 10 * _STEP % 8_000_000
    return f"{first}9{count % 10}-{2 + rest // 1_000_000}{rest // 10_000 % 100:02d}-{rest % 10_000:04d}"
