"""Say whether a text is hostile to a group of people: who is spoken of, what is said, and whether it is meant.

A word list alone cannot tell "I hate immigrants" from "I don't hate immigrants", "immigrants are great" or
"whoever says that immigrants are scum is wrong". This reads one sentence after the other: a group, a hostile
word, what turns it round (negation, quotation, contradiction), and a "they" that stands for the group before.
English only; word lists and weights were written by hand.

Content warning: offensive words, so that they can be recognised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from swarm.backends.embedded.words import sentences

__all__ = ["Stance", "stance"]

MAX_SENTENCES = 60

_GROUP = re.compile(
    r"\b(?:jew(?:s|ish)?|muslims?|islam(?:ic)?|christians?|catholics?|hindus?|sikhs?|buddhists?|atheists?|mormons?|"
    r"black(?:s| (?:people|men|women|folks?|person|man|woman|kids|guys?))|white(?:s| (?:people|men|women|person))|"
    r"(?:african|asian|mexican|indian|arab|turk|pakistani|american|german|italian|polish|chinese|japanese|russian|"
    r"nigerian|somali|syrian|moroccan|jamaican|romanian|albanian|latino|latina|hispanic|african.american)s?|africa|"
    r"gyps(?:y|ies)|roma|natives?|indigenous|aborigin\w+|"
    r"gay(?:s| (?:people|men|man|person))?|lesbians?|homosexuals?|bisexuals?|queers?|trans(?:gender\w*|sexuals?| (?:people|"
    r"women|men|woman|man|person|folks?))|non.?binary|lgbt\w*|"
    r"immigra(?:nts?|tion)|migrants?|refugees?|foreigners?|asylum seekers?|"
    r"wom[ae]n|females?|girls|wives|feminists?|"
    r"disabled(?: (?:people|person|folks?|kids))?|(?:people|person) (?:with|who has) (?:disabilit\w+|autism|down'?s syndrome)|"
    r"autistic\w*|deaf|blind(?: people)?|wheelchair users?|mentally ill|mentally disabled)\b"
)
_SLUR = re.compile(
    r"\b(?:n[i1]gg(?:er|a)s?|f[a4]g(?:g?[o0]ts?)?|kikes?|wetbacks?|towel ?heads?|rag ?heads?|trann(?:y|ies)|gooks?|pakis?|"
    r"beaners?|dykes?|coons?|chinks?|spic?ks?|spics?|retards?|cripples?|spastics?|bitch(?:es)?|cunts?|whores?|sluts?|"
    r"darkies|musloids?|muzzies?|sp[ae]rgs?|mongoloids?|she.?males?)\b"
)
_HOSTILE = re.compile(
    r"\b(?:hat(?:e[ds]?|ing)|despis\w+|loath\w+|detest\w*|can'?t stand|sick of|tired of|disgust\w*|repuls\w+|revolt\w+|vile|"
    r"filth\w*|dirty|stink\w*|scum\w*|vermin|rats?|pests?|parasit\w+|cockroach\w*|insects?|maggots?|pigs?|dogs|apes?|monkeys?|"
    r"animals?|beasts?|sub.?humans?|inhuman|inferior|savages?|primitive|barbar\w+|stupid|dumb|idiots?|moron\w*|brainless|"
    r"worthless|useless|scare|scary|frighten\w*|evil|wicked|immoral|pervert\w*|sick|plague|disease\w*|cancer|virus|infest\w*|"
    r"invad\w+|invasion|garbage|trash|waste|shit\w*|crap|burden|lazy|liars?|lie|steal\w*|thie(?:f|ves)|criminals?|crime|"
    r"terroris\w+|rapists?|leech\w*|freaks?|abominations?|mistake|unnatural|abnormal|disorder|ugly|"
    r"kill\w*|murder\w*|die|dead|shot|shoot\w*|stab\w*|hang(?:ed)?|lynch\w*|burn\w*|gas(?:sed)?|beat\w*|beaten|punch\w*|"
    r"smash\w*|hurt|attack\w*|rape[ds]?|tortur\w+|punish\w*|hunt\w*|exterminat\w+|eradicat\w+|eliminat\w+|wip(?:e|ed|ing) out|"
    r"destroy\w*|purg\w+|cleans\w+|sterili[sz]\w+|deport\w*|expel\w*|ban(?:ned)?|kick(?:ed)? out|throw\w* out|get rid of|"
    r"lock(?:ed)? up|go (?:back|home)|sen[dt] (?:back|home|them)|fuck\w*|damn|screw|bloody|deserves? (?:no|nothing|less)|"
    r"ruin\w*|rot|suffer|control\w*|kitchen|obey|property|objects?|less than|second.class|not (?:real|human|normal|welcome|"
    r"equal)|no (?:place|right|rights|business|room)|"
    r"(?:n'?t|not|never|no|cannot) (?:\w+ ){0,3}(?:belong|trust(?:ed)?|welcome|deserve|allowed|exist|human|equal|vote|respect(?:ed)?|"
    r"rights|people|fit in|integrate|live here|normal|natural|civili[sz]ed|good enough))\b"
)
_TURNED = re.compile(  # the hostile word is denied
    r"\b(?:(?:do|does|did|would|could|am|is|are|was|were|should|have|has)(?:n'?t| not)|never|nobody|no one|not|cannot|can'?t|"
    r"stop|without|neither|nor|no)\b(?:\W+\w+){0,4}\W+$"
)
_NO_GROUP = re.compile(r"\b(?:no|not all|not every|not a single|nobody)\b(?:\W+\w+){0,2}\W+$")
_AGAINST = re.compile(  # somebody else's words, and the writer is against them
    r"\b(?:racis[tm]\w*|sexis[tm]\w*|bigot\w*|homophob\w+|transphob\w+|islamophob\w+|xenophob\w+|misogyn\w+|anti.?semiti\w+|"
    r"ableis[tm]\w*|hate speech|hateful|prejudice\w*|discriminat\w+|unacceptable|offensive|outrageous|"
    r"how dare|(?:you|he|she|they|people|anyone|someone|whoever|who) (?:can'?t |cannot |just |still |really )?(?:sa(?:y|ys|id|ying)|"
    r"claim\w*|call\w*|think\w*|believe\w*|tell\w*|write\w*|shout\w*)|saying|calling|phrase|words like|slurs?|quote\w*|"
    r"stereotyp\w+|it'?s wrong|is wrong|are wrong|disagree|shame on)\b"
)
_QUOTED = re.compile(r"[\"“”]([^\"“”]{3,200})[\"“”]|(?<!\w)'([^']{6,200})'(?!\w)")
_KIND = re.compile(
    r"\b(?:lov(?:e[ds]?|ely|ing)|like|likes|adore\w*|proud|great|wonderful|amazing|beautiful|brilliant|fantastic|respect\w*|"
    r"admir\w+|support\w*|welcome|celebrat\w+|happy|glad|thank\w*|equal|friend\w*|kind|nice|good|best|smart|talented|strong|"
    r"brave|inspir\w+|deserve(?:s)? (?:to be )?(?:equal|respect\w*|better|love|happ\w+|the same)|same rights)\b"
)
_THEY = re.compile(r"\b(?:they|them|their|those|these people)\b")
_ALL = re.compile(r"\b(?:all|every|each|any|these|those|most|typical)\b")


@dataclass(frozen=True, kw_only=True)
class Stance:
    """How a text stands to the groups it names.

    Attributes:
        hostility: of its worst sentence, in [0, 1]; 0 where no group is named.
        peace: how surely groups are named and nothing hostile is meant, in [0, 1].
    """

    hostility: float
    peace: float


def stance(text: str) -> Stance:
    """Return how a text stands to groups of people.

    Args:
        text: in lower case, without disguises (`rules.plain_forms`).
    """
    worst, named = 0.0, False
    for sentence in sentences(text)[:MAX_SENTENCES]:
        slur, group = bool(_SLUR.search(sentence)), _GROUP.search(sentence)
        about = 1.0 if slur or group else 0.7 if named and _THEY.search(sentence) else 0.0
        named = named or bool(group) or slur
        if about:
            worst = max(worst, about * _meant(sentence, slur))
    return Stance(hostility=worst, peace=1.0 - worst if named else 0.0)


def _meant(sentence: str, slur: bool) -> float:
    """Return how hostile a sentence about a group is."""
    rest = _QUOTED.sub(" ", sentence)
    quoted = rest != sentence
    found = [match for match in _HOSTILE.finditer(rest) if not _denied(rest, match)]
    score = 0.0 if not found else 0.75 + 0.1 * min(2, len(found) - 1)
    score = max(score, 0.6 if slur and not quoted else 0.0)
    if not found and not slur:
        return 0.15 if quoted or _KIND.search(rest) is None else 0.0
    if _AGAINST.search(rest) or quoted:
        score *= 0.4
    if _KIND.search(rest):
        score *= 0.6
    return min(1.0, score + (0.05 if _ALL.search(rest) else 0.0))


def _denied(sentence: str, hostile: re.Match[str]) -> bool:
    """Say whether a hostile word is turned round by what stands before it."""
    before = sentence[max(0, hostile.start() - 50) : hostile.start()]
    return bool(_TURNED.search(before) or _NO_GROUP.search(before))
