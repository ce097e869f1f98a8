"""Who works on the wards of the demonstration: names put together from common ones, of nobody.

Each ward has a head, a doctor and two nurses; nobody can log in as them.
"""

from __future__ import annotations

from hcrm.accounts.domain import Role
from hcrm.simulation.setup import Person

_WARDS = (
    ("GS", None, None, "Nadia Reid", "Wenjing Li 李文静"),
    ("ORT", "Martin Kerr", "Dr Haitao Zhou 周海涛", "Fiona Walsh", "Xueqin Gao 高雪琴"),
    ("CAR", "Yulan Song 宋玉兰", "Dr R. Patel", "Piotr Lloyd", "Jianing Xu 徐佳宁"),
    ("RES", "Hannah Brooks", "Dr Mingyuan Deng 邓明远", "Colin Mason", "Chunlan He 何春兰"),
    ("OBG", "Guilan Peng 彭桂兰", "Dr S. Papadakis", "Irene Khan", "Siyu Tang 唐思雨"),
    ("PAE", "Teresa Owen", "Dr Yaqin Fu 傅雅琴", "Karim Davies", "Minmin Cheng 程敏敏"),
    ("NEU", "Victor Graham", "Dr Weiming Luo 罗伟明", "Vera Stone", "Jiahao Liang 梁家豪"),
    ("OPH", "Hongmei Zeng 曾红梅", "Dr L. Nowak", "Oscar Bennett", "Jingjing Han 韩静静"),
)
"""Ward, head, doctor, nurses; the first ward's head and doctor have log-ins of their own."""

SERVICE_CENTRE = (
    Person("jun.li", "Jun Li", Role.SERVICE_AGENT),
    Person("rosa.silva", "Rosa Silva", Role.SERVICE_AGENT),
)
OUTREACH = (Person("ben.wright", "Ben Wright", Role.OUTREACH_WORKER),)


def _on_wards() -> tuple[Person, ...]:
    roles = (Role.DEPARTMENT_HEAD, Role.PHYSICIAN, Role.NURSE, Role.NURSE)
    return tuple(
        Person(_username(name), name, role, (ward,), language="zh_Hans" if _is_chinese(name) else "en")
        for ward, *names in _WARDS
        for role, name in zip(roles, names, strict=True)
        if name is not None
    )


def _username(name: str) -> str:
    """``dr.r.patel``: the Latin words of a name."""
    return ".".join(word.strip(".").lower() for word in name.split() if word.isascii())


def _is_chinese(name: str) -> bool:
    return not name.isascii()


WARDS = _on_wards()
COLLEAGUES = WARDS + SERVICE_CENTRE + OUTREACH
