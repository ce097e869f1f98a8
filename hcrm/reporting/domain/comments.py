"""What patients write: topics and tone by lists of words in both languages.

A word in a list stands for every word that begins with it in English, and for every place where it stands in Chinese.
A topic says what is written about; the tone is that of the words, which are not understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

POSITIVE, NEGATIVE = "positive", "negative"

DEFAULT_WORDS: Mapping[str, str] = {
    "nursing": "nurse nursing 护士 护理 护工",
    "doctors": "doctor physician surgeon 医生 大夫 主任 医师",
    "waiting": "wait waited waiting queue late delay slow 等 排队 久 慢 拖",
    "information": "explain inform information told unclear question 解释 说明 讲 告诉 告知 不清楚",
    "medicines": "medicine medication drug tablet pill pharmacy 药 用药 药房",
    "food": "food meal breakfast lunch dinner 饭 餐 伙食 食堂 菜",
    "rooms": "room ward bed noise noisy quiet clean dirty toilet 病房 床 吵 安静 干净 卫生 厕所 脏",
    "cost": "cost bill price expensive money insurance 费 钱 贵 收费 医保",
    "staff": "kind friendly rude polite attitude respect 态度 热情 耐心 礼貌 冷漠 凶",
    POSITIVE: (
        "good great excellent kind thank thanks friendly helpful satisfied clean quick caring professional "
        "好 很好 感谢 谢谢 满意 耐心 热情 细心 周到 专业 负责 及时"
    ),
    NEGATIVE: (
        "bad poor rude slow dirty noisy pain worse never unclear expensive late complain terrible "
        "差 不好 不满 慢 脏 吵 贵 冷漠 没人 不耐烦 投诉 太久 失望"
    ),
}
"""The lists that are shipped, by tag; a hospital keeps its own."""


class Tone(StrEnum):
    """How the words of a comment sound."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    MIXED = "mixed"
    PLAIN = "plain"


def words_of(text: str) -> tuple[str, ...]:
    """The words of a list: apart by spaces, commas or lines, without repetition."""
    return tuple(dict.fromkeys(word.casefold() for word in re.split(r"[\s,，、;；]+", text) if word))


def topics(comment: str, lists: Mapping[str, str]) -> tuple[str, ...]:
    """The topics of a comment, in the order of the lists."""
    return tuple(tag for tag in lists if tag not in {POSITIVE, NEGATIVE} and _hits(comment, lists[tag]))


def tone(comment: str, lists: Mapping[str, str]) -> Tone:
    """Positive, negative, both, or neither; a Chinese 不 or an English "not" before a good word turns it round."""
    good, turned = _told(comment, lists.get(POSITIVE, ""))
    bad = _hits(comment, lists.get(NEGATIVE, "")) > 0 or turned > 0
    if good and bad:
        return Tone.MIXED
    return Tone.POSITIVE if good else Tone.NEGATIVE if bad else Tone.PLAIN


def _told(comment: str, words: str) -> tuple[int, int]:
    """How often words stand as they are, and how often turned round."""
    plain = turned = 0
    for found in _pattern(words).finditer(comment.casefold()):
        before = comment.casefold()[: found.start()]
        if re.search(r"(?:不|没|没有|不太|不够|\bnot|\bno|n't|\bnever)\s*$", before):
            turned += 1
        else:
            plain += 1
    return plain, turned


def _hits(comment: str, words: str) -> int:
    return sum(1 for _ in _pattern(words).finditer(comment.casefold()))


@lru_cache(maxsize=200)
def _pattern(words: str) -> re.Pattern[str]:
    """English words at the beginning of a word, Chinese ones anywhere; the longest first. Nothing matches no words."""
    parts = [
        rf"\b{re.escape(word)}" if word.isascii() else re.escape(word)
        for word in sorted(words_of(words), key=len, reverse=True)
    ]
    return re.compile("|".join(parts) if parts else r"(?!)")
