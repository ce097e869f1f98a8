"""What each figure means, in our own words and both languages: shown beside the figures, printed by the commands, and
the text of docs/figures.md (a test compares them).
"""

from __future__ import annotations

from types import MappingProxyType

from hcrm.reporting.domain.definition import OWN as _OWN
from hcrm.reporting.domain.definition import Definition
from hcrm.reporting.domain.definitions_visits import VISITS
from hcrm.survey.domain import Text

__all__ = ["DEFINITIONS", "SECTIONS", "Definition"]

_INPATIENT_EPISODES = Text(
    "Of: inpatient episodes that ended in the period and that the patient left alive; "
    "stays that touch (the next begins on or before the day the previous ended) are one episode.",
    "分母：期内结束且患者存活离院的住院；前后衔接的住院（后一次在前一次出院当天或之前开始）合并为一次。",
)
_INPATIENT_STAYS = Text(
    "Of: inpatient stays that ended in the period and that the patient left alive, each for itself.",
    "分母：期内出院且患者存活离院的住院，每次住院单独计算。",
)
_EMERGENCY_STAYS = Text(
    "Of: emergency visits that ended in the period and that the patient left alive, each for itself.",
    "分母：期内结束且患者存活离开的急诊就诊，每次就诊单独计算。",
)
_DEATHS = Text("Left out: deaths.", "排除：死亡。")
_DUE = Text(
    "Of: tasks due, that is all planned ones without those excluded and those still open; a missed window stays in.",
    "分母：应完成的任务，即全部计划任务减去排除的和尚在窗口期内的；错过窗口期的任务仍计入。",
)
_TASKS_LEFT_OUT = Text(
    "Left out: tasks taken back before their window ended because the patient was readmitted, died, was transferred, "
    "opted out of that channel, was merged with another record, was entered in error, or because the step turned out "
    "not to apply; survey steps also for the fatigue limit. The reasons are listed.",
    "排除：窗口期结束前因再入院、死亡、转院、退订该渠道、档案合并、误录入或步骤不适用而撤回的任务；"
    "满意度步骤还包括频次限制。各项原因逐一列出。",
)
_PERIOD_OF_TASKS = Text(
    "HCRM: a task counts in the period in which its window ends; by month of discharge on request.",
    "HCRM：任务计入其窗口期结束所在的时段；也可按出院月份统计。",
)
_ANSWERS = Text(
    "Of: answers to the question given in the period; “does not apply”, “not sure” and “would rather not say” are left "
    "out.",
    "分母：期内对该题的有效回答；“不适用”“不清楚”“不愿回答”不计入。",
)
_FEW = Text(
    "A caution mark stands where fewer than 30 answered; parts of a whole with fewer than 5 answers are not shown.",
    "少于30份回答时标注提示；少于5份回答的分组不显示结果。",
)

_REVISITS = (
    Definition(
        "readmit_30d",
        Text("Back in hospital within 30 days.", "30天内再住院率。"),
        Text(
            "Counted: those whose next inpatient episode began on days 0 to 30 after discharge, the day of discharge "
            "being day 0.",
            "分子：出院后第0至30天（出院当天为第0天）开始下一次住院的人次。",
        ),
        _INPATIENT_EPISODES,
        _DEATHS,
        _OWN,
    ),
    Definition(
        "readmit_7d",
        Text("Back in hospital within 7 days.", "7天内再住院率。"),
        Text(
            "Counted: those whose next inpatient episode began on days 0 to 7 after discharge.",
            "分子：出院后第0至7天开始下一次住院的人次。",
        ),
        _INPATIENT_EPISODES,
        _DEATHS,
        _OWN,
    ),
    Definition(
        "readmit_30d_raw",
        Text("Back in hospital within 30 days, stays not linked.", "30天内再住院率（不合并住院）。"),
        Text(
            "Counted: those followed by another inpatient stay that began on days 0 to 30 after discharge.",
            "分子：出院后第0至30天再次住院的人次。",
        ),
        _INPATIENT_STAYS,
        _DEATHS,
        _OWN,
    ),
    Definition(
        "readmit_2_31d",
        Text("Unplanned return to hospital on days 2 to 31.", "2–31天非计划再住院率。"),
        Text(
            "Counted: those followed by an inpatient stay not known to be planned that began on days 2 to 31; an "
            "earlier return on day 0 or 1 does not hide it.",
            "分子：出院后第2至31天发生非计划再住院的人次；第0、1天的返院不影响其后的判定。",
        ),
        _INPATIENT_STAYS,
        Text(
            "Left out: deaths; discharges with a return planned at discharge.",
            "排除：死亡；出院时已有31天内再住院计划。",
        ),
        Text("China: indicators of the tertiary hospital accreditation standard.", "中国：三级医院评审标准相关指标。"),
    ),
    Definition(
        "unexpected_0_31d_cn",
        Text("Unexpected return to hospital on days 0 to 31.", "0–31天非预期再住院率。"),
        Text(
            "Counted: those without a plan to return within 31 days who were admitted to the same hospital again on "
            "days 0 to 31 with a principal diagnosis of the same first four ICD-10 characters; returns for Z51.0, "
            "Z51.1, Z51.2 and Z51.8 do not count. Shown for the same day, day 1, days 2 to 15 and days 16 to 31.",
            "分子：无31天内再住院计划、出院后第0至31天因主要诊断ICD-10前四位相同再次入住同一医院的人次；"
            "主要诊断为Z51.0、Z51.1、Z51.2、Z51.8的再住院不计。按当天、第1天、第2–15天、第16–31天分段列出。",
        ),
        _INPATIENT_STAYS,
        _DEATHS,
        Text(
            "China: National Health Commission, indicators of medical quality and safety.",
            "中国：国家卫生健康委医疗质量安全相关指标。",
        ),
    ),
    Definition(
        "acute_return_30d",
        Text("Any acute return within 30 days.", "30天内急性返院率。"),
        Text(
            "Counted: those with a later inpatient, emergency or observation episode that began on days 0 to 30.",
            "分子：出院后第0至30天再次住院、急诊就诊或急诊留观的人次。",
        ),
        _INPATIENT_EPISODES,
        _DEATHS,
        _OWN,
    ),
    Definition(
        "ed_return_72h",
        Text("Back in emergency within 72 hours.", "72小时内急诊重返率。"),
        Text(
            "Counted: those followed by another emergency visit that began within 72 hours.",
            "分子：离开急诊后72小时内再次急诊就诊的人次。",
        ),
        _EMERGENCY_STAYS,
        Text("Left out: deaths; patients admitted to a ward.", "排除：死亡；收住院的患者。"),
        Text("Usual definition of emergency departments.", "急诊常用定义。"),
    ),
    Definition(
        "ed_return_7d",
        Text("Back in emergency or in hospital within 7 days of an emergency visit.", "急诊离开后7天内返院率。"),
        Text(
            "Counted: those followed by an emergency visit or inpatient stay that began on days 0 to 7.",
            "分子：离开急诊后第0至7天再次急诊就诊或住院的人次。",
        ),
        _EMERGENCY_STAYS,
        _DEATHS,
        Text("NHS England, clinical quality indicators of emergency care.", "英国NHS急诊质量指标。"),
    ),
    Definition(
        "emergency_readmit_29d",
        Text("Emergency readmission within 30 days (days 0 to 29).", "30天内急诊再入院率（第0–29天）。"),
        Text(
            "Counted: those with a later inpatient episode not known to be planned that began on days 0 to 29.",
            "分子：出院后第0至29天发生非计划再住院的人次。",
        ),
        _INPATIENT_EPISODES,
        _DEATHS,
        Text(
            "NHS England, emergency readmissions within 30 days, without risk adjustment.",
            "英国NHS 30天内急诊再入院，未作风险调整。",
        ),
    ),
    Definition(
        "readmit_30d_cms",
        Text("Unplanned readmission within 30 days, after CMS.", "30天内非计划再住院率（参照CMS）。"),
        Text(
            "Counted: those whose first return to a ward began on days 1 to 30 and was not planned; if the first "
            "return was planned, none counts.",
            "分子：出院后首次再住院发生在第1至30天且为非计划的人次；首次再住院为计划内时不再计其后的再住院。",
        ),
        _INPATIENT_EPISODES,
        Text(
            "Left out: deaths; discharges against advice; transfers to another acute hospital.",
            "排除：死亡；非医嘱离院；转往其他急性期医院。",
        ),
        Text(
            "CMS hospital-wide readmission measure, simplified and without risk adjustment.",
            "美国CMS全院再入院指标，已简化，未作风险调整。",
        ),
    ),
)
_FOLLOWUP = (
    Definition(
        "followup_in_time",
        Text("Follow-up completed on time.", "按时随访完成率。"),
        Text(
            "Counted: tasks completed not after the latest day of their window.",
            "分子：在窗口期最后一天或之前完成的任务。",
        ),
        _DUE,
        _TASKS_LEFT_OUT,
        _PERIOD_OF_TASKS,
    ),
    Definition(
        "followup_completion",
        Text("Follow-up completed.", "随访完成率。"),
        Text("Counted: tasks completed, also late ones.", "分子：已完成的任务，包括逾期完成的。"),
        _DUE,
        _TASKS_LEFT_OUT,
        _PERIOD_OF_TASKS,
    ),
    Definition(
        "followup_coverage",
        Text("Patients tried.", "随访覆盖率。"),
        Text(
            "Counted: tasks with at least one attempt; for messages a delivered one.",
            "分子：至少尝试过一次的任务；短信步骤以送达为准。",
        ),
        _DUE,
        _TASKS_LEFT_OUT,
        _PERIOD_OF_TASKS,
    ),
    Definition(
        "followup_contact",
        Text("Patients reached.", "接通率。"),
        Text(
            "Counted: tasks in which the patient or an authorised relative answered.",
            "分子：患者本人或其授权家属接听或回复的任务。",
        ),
        _DUE,
        _TASKS_LEFT_OUT,
        _PERIOD_OF_TASKS,
    ),
    Definition(
        "followup_all_discharges",
        Text("Completed contact of all live discharges.", "全部存活出院患者随访率（百分百随访）。"),
        Text(
            "Counted: discharges with at least one completed call or home visit, whenever it happened.",
            "分子：至少完成过一次电话或上门随访的出院人次。",
        ),
        Text(
            "Of: inpatient, day-case and observation stays that ended in the period and that the patient left alive.",
            "分母：期内结束且患者存活离院的住院、日间和留观病例。",
        ),
        Text("Left out: deaths, and care after the acute stay.", "排除：死亡，以及急性期后的康复照护。"),
        _OWN,
    ),
)
_SATISFACTION = (
    Definition(
        "satisfied",
        Text("Satisfied.", "满意率。"),
        Text(
            "Counted: answers 4 and 5 (satisfied, very satisfied); for a recommendation 9 and 10.",
            "分子：4分和5分（满意、很满意）；推荐意愿题为9分和10分。",
        ),
        _ANSWERS,
        _FEW,
        Text("CSAT; 95% interval after Wilson.", "CSAT；95%区间按Wilson法。"),
    ),
    Definition(
        "top_box",
        Text("Very satisfied.", "很满意率。"),
        Text(
            "Counted: answers 5; for a recommendation 9 and 10.",
            "分子：5分；推荐意愿题为9分和10分。",
        ),
        _ANSWERS,
        _FEW,
        Text("Top box; 95% interval after Wilson.", "最高分占比；95%区间按Wilson法。"),
    ),
    Definition(
        "nps",
        Text("Net promoter score.", "净推荐值。"),
        Text(
            "Counted: the share of 9 and 10 minus the share of 0 to 6, from −100 to 100.",
            "计算：9–10分占比减去0–6分占比，范围−100至100。",
        ),
        _ANSWERS,
        _FEW,
        Text("Reichheld 2003; 95% interval after Tango 1998.", "Reichheld 2003；95%区间按Tango 1998。"),
    ),
    Definition(
        "satisfaction_index",
        Text("Satisfaction index, 0 to 100.", "满意度指数（0–100）。"),
        Text(
            "Counted: for each response the weighted mean of its rated questions on a scale from 0 to 100; an "
            "unanswered question drops out with its weight, and fewer than half answered give no index.",
            "计算：每份问卷各计分题换算为0–100后的加权平均；未答题连同权重一并剔除，答题不足一半则无指数。",
        ),
        Text("Of: responses with answers in the period.", "范围：期内有回答的问卷。"),
        _FEW,
        Text("In the style of the ACSI; 95% interval of a mean after Student.", "参照ACSI；均值的95%区间按t分布。"),
    ),
    Definition(
        "response_rate",
        Text("Share that answered.", "应答率。"),
        Text("Counted: responses completed or partly answered.", "分子：完成或部分完成的问卷。"),
        Text("Of: eligible patients invited in the period.", "分母：期内受邀的符合条件患者。"),
        Text(
            "Left out: patients who turned out not to be eligible. Beside it stands the same share of delivered "
            "invitations.",
            "排除：核实后不符合条件的患者。同时列出按已送达邀请计算的应答率。",
        ),
        Text("After AAPOR.", "参照AAPOR。"),
    ),
)
_CHARTS = (
    Definition(
        "control_chart",
        Text("Control chart.", "控制图。"),
        Text(
            "Drawn: the rate of each week, its mean, and limits three standard deviations away, widened when the weeks "
            "differ by more than chance (Laney's p′).",
            "绘制：每周的率、均值及±3倍标准差界限；各周差异超出随机波动时按Laney p′放宽。",
        ),
        Text(
            "Signals: a point outside the limits; 7 in a row on one side of the mean; 6 rises or falls in a row; 2 of "
            "3 beyond two thirds of the way to one limit.",
            "信号：点超出界限；连续7点在均值同侧；连续6次上升或下降；3点中有2点超过均值到同侧界限的三分之二。",
        ),
        Text(
            "Not drawn: limits with fewer than 12 points (provisional below 20); signals of weeks that still have open "
            "tasks.",
            "不绘制：少于12个点时不显示界限（少于20个点为暂定）；仍有未结任务的周不判定信号。",
        ),
        Text("NHS England, Making Data Count; Laney 2002.", "英国NHS《Making Data Count》；Laney 2002。"),
    ),
    Definition(
        "funnel_plot",
        Text("Funnel plot of departments.", "科室漏斗图。"),
        Text(
            "Drawn: the rate of each department against its number of discharges.",
            "绘制：各科室的率与其出院人次。",
        ),
        Text(
            "Limits: 95% and 99.8% around the hospital's rate on the arcsine scale, widened for differences beyond "
            "chance (winsorised z-scores, additive variance).",
            "界限：以全院率为中心、反正弦尺度上的95%和99.8%界限；差异超出随机波动时放宽（缩尾z值、加性方差）。",
        ),
        Text(
            "Not adjusted for how ill patients were, and no ranking. With fewer than 5 departments intervals are "
            "drawn instead.",
            "未按病情轻重调整，也不作排名。少于5个科室时改为显示区间图。",
        ),
        Text("Spiegelhalter 2005.", "Spiegelhalter 2005。"),
    ),
    Definition(
        "kaplan_meier",
        Text("When patients come back.", "返院时间曲线。"),
        Text(
            "Drawn: the share that has come back by each day after discharge, with its 95% band.",
            "绘制：出院后截至每一天已返院的比例及95%区间带。",
        ),
        Text(
            "Of: the same discharges as the revisit rate; the younger ones count for as long as they could be seen, "
            "patients who died later up to their death.",
            "范围：与返院率相同的出院人次；较近的出院按可观察天数计入，其后死亡者计至死亡日。",
        ),
        _DEATHS,
        Text(
            "Kaplan and Meier 1958; variance after Greenwood, log-log interval.",
            "Kaplan–Meier 1958；Greenwood方差，双对数区间。",
        ),
    ),
)
SECTIONS = MappingProxyType(
    {
        "followup": _FOLLOWUP,
        "revisits": _REVISITS,
        "visits": VISITS,
        "satisfaction": _SATISFACTION,
        "charts": _CHARTS,
    }
)
"""All definitions by section, in the order in which they are shown."""

DEFINITIONS = MappingProxyType({definition.code: definition for section in SECTIONS.values() for definition in section})
"""All definitions by code."""
