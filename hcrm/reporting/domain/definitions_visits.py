"""What the figures about return visits mean."""

from __future__ import annotations

from hcrm.reporting.domain.definition import OWN, Definition
from hcrm.survey.domain import Text

VISITS = (
    Definition(
        "visits_kept",
        Text("Return visits kept.", "复诊履约率。"),
        Text(
            "Counted: visits whose patient arrived or was seen; beside them those written down as not come, and the "
            "median of days from booking to the visit.",
            "分子：患者已到达或已就诊的复诊；并列出登记为未到的复诊，以及从预约到就诊天数的中位数。",
        ),
        Text(
            "Of: booked visits of the period whose time is over. Booked before discharge: live discharges from a ward "
            "whose return visit was booked not after the discharge, of all such discharges.",
            "分母：期内时间已过的已预约复诊。出院前预约：出院时或之前已约好复诊的存活出院，占全部此类出院的比例。",
        ),
        Text("Left out: cancelled visits and the waiting list.", "排除：已取消的复诊和候补名单。"),
        OWN,
    ),
)
