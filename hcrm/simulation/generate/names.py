"""Names, streets and towns that made-up people are put together from.

Common first and family names, in any combination; the towns do not exist, so that no address is anybody's.
"""

from __future__ import annotations

_FAMILY = """
Adeyemi Alvarez Baker Bankole Bennett Brooks Carter Clarke Cooper Davies Dunne Ellis Evans Fisher Foster Gallagher
Graham Hall Harris Hughes Ivanov Jenkins Kerr Khan Lloyd Marsh Mason Morgan Murphy Nowak Okafor Owen Papadakis Patel
Price Rahman Reid Rossi Sanders Scott Shaw Silva Singh Stone Turner Underwood Walsh Whitlock Wilson Wright Yates
"""
_FEMALE = """
Alice Amina Anne Beth Carol Chloe Claire Diana Eleni Emma Fatima Fiona Grace Hannah Heather Irene Joan Joyce Julia Kate
Laura Leah Margaret Maria Megan Nadia Nora Olive Pauline Ruth Sara Sheila Sofia Susan Teresa Vera Yasmin Zoe
"""
_MALE = """
Adam Alan Andrew Ben Callum Colin Daniel David Edward Eric Femi Frank George Gordon Henry Ivan Jack James Karim Keith
Leo Liam Mark Martin Nigel Oliver Oscar Paul Peter Piotr Ravi Robert Samuel Simon Thomas Tomasz Victor William
"""
_FEMALE_ZH = """
秀英 桂兰 丽华 玉珍 淑芬 雅琴 晓燕 雪梅 美玲 海霞 思雨 欣怡 佳宁 文静 婉清 春兰 凤英 玉兰 丽娟 红梅 艳 静 敏 芳 雨桐
"""
_MALE_ZH = """
建国 志强 伟明 国栋 永康 浩然 子轩 文博 海涛 德华 俊杰 世杰 宏伟 家豪 明远 建军 国强 志明 春生 铁柱 勇 军 磊 涛 宇航
"""
FAMILY = {
    "en": tuple(_FAMILY.split()),
    "zh": tuple("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"),
}
GIVEN = {
    ("en", "female"): tuple(_FEMALE.split()),
    ("en", "male"): tuple(_MALE.split()),
    ("zh", "female"): tuple(_FEMALE_ZH.split()),
    ("zh", "male"): tuple(_MALE_ZH.split()),
}
TOWNS = (
    "Ashford Vale", "Larkwell Cross", "Netherby Marsh", "Millbrook Heath", "Oakhurst Fen", "Stanmere", "Wexley Down",
    "Fernholt", "Brindle Quay", "Harrow Tarn", "Pennick Water", "Coldmere", "Thistleby", "Ravenscar Mill",
    "Elmsworth Ford", "Kestrel Bay", "Marlow Beck", "Sandling Hope", "Whitcombe Lea", "Yarrowdale",
)  # fmt: skip
TOWNS_ZH = (
    "青禾市", "云屏市", "安澜市", "松泉市", "临溪市", "明岫市", "望舒市", "清浦市", "和川市", "北屿市",
    "南麓市", "东篱市", "西洲市", "长汀湾市", "玉衡市", "白鹭湾市", "丹枫市", "碧梧市", "金穗市", "翠微市",
)  # fmt: skip
STREETS = (
    "Mill Lane", "Station Road", "Church Street", "High Street", "Orchard Close", "Victoria Road", "Bridge Street",
    "Park Avenue", "Chapel Hill", "Meadow Way", "The Crescent", "Willow Walk",
)  # fmt: skip
STREETS_ZH = (
    "人民路", "解放街", "建设路", "和平里", "新华街", "中山路", "长江路", "文化路", "团结巷",
    "迎春街", "滨河路", "梧桐里",
)  # fmt: skip
HOSPITALS = (
    ("Hospital", "医院"), ("General Hospital", "总医院"), ("Infirmary", "人民医院"), ("Memorial Hospital", "中心医院"),
    ("District Hospital", "区医院"), ("University Hospital", "大学附属医院"), ("Community Hospital", "社区医院"),
    ("Regional Medical Centre", "区域医疗中心"), ("St Anne's Hospital", "圣安医院"), ("Cottage Hospital", "卫生院"),
)  # fmt: skip
"""Kinds of hospital in English and Chinese; with the towns they name 200."""


def split_clinician(name: str) -> tuple[str, str]:
    """Family and given name (or initial) of a doctor as ``Dr A. Whitfield`` or ``王建国``."""
    if name.startswith("Dr "):
        initial, _, family = name.removeprefix("Dr ").partition(" ")
        return family, initial
    return name[:1], name[1:]
