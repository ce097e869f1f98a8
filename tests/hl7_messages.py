"""HL7 messages of made-up patients, for tests of readers, of the writer and of the listener."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

SENT = "20260305100000"


def adt(
    event: str, *segments: str, sent: str = SENT, control: str = "1", charset: str = "", sender: str = "HIS"
) -> str:
    """An ADT message recorded at ``sent``; ``segments`` follow MSH and EVN."""
    header = f"MSH|^~\\&|{sender}|HOSP|HCRM|HOSP|{sent}||ADT^{event}|{control}|P|2.5{'|' * 6}{charset}"
    return "\r".join((header, f"EVN|{event}|{sent}", *segments))


def pid(mrn: str = "1001", name: str = "Zhang^San", born: str = "19600203", sex: str = "M", **fields: str) -> str:
    """PID; further fields as ``f13="…"``."""
    return segment("PID", {3: f"{mrn}^^^HOSP^MR", 5: name, 7: born, 8: sex}, fields)


def pv1(admitted: str = "", discharged: str = "", visit: str = "V1", **fields: str) -> str:
    """PV1 of an inpatient stay in ward MED; further fields as ``f36="…"``."""
    return segment("PV1", {2: "I", 3: "MED^12^1", 19: visit, 44: admitted, 45: discharged}, fields)


def segment(name: str, values: dict[int, str], more: dict[str, str]) -> str:
    """A segment with the given fields by number."""
    fields = values | {int(key[1:]): value for key, value in more.items()}
    return f"{name}|" + "|".join(fields.get(number, "") for number in range(1, max(fields) + 1))


def feed(count: int, start: datetime, prefix: str = "P") -> list[str]:
    """Admission, transfer, correction and discharge of ``count`` / 4 patients, each message with its own id."""
    messages: list[str] = []
    for number in range(-(-count // 4)):
        mrn, visit = f"{prefix}{number}", f"{prefix}V{number}"
        person = pid(mrn, f"Family{number}^Given", f13=f"138{number % 100_000_000:08}")
        came = start + timedelta(minutes=number % 5000)
        times = [f"{came + timedelta(days=day):%Y%m%d%H%M%S}" for day in range(4)]
        parts: Sequence[tuple[str, str]] = (
            ("A01", pv1(times[0], visit=visit)),
            ("A02", pv1(visit=visit, f3="SUR^3^2")),
            ("A08", pv1(times[0], visit=visit, f3="SUR^3^2", f7="D1^Wang^Yi")),
            ("A03", pv1(times[0], times[3], visit=visit, f3="SUR^3^2", f36="1")),
        )
        messages.extend(
            adt(event, person, stay, sent=sent, control=f"{visit}-{event}")
            for (event, stay), sent in zip(parts, times, strict=True)
        )
    return messages[:count]
