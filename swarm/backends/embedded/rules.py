"""Hand-written patterns for blatant harm, robust to simple disguises. They find what examples cannot all show.

Content warning: offensive words, so that they can be recognised. A pattern stands for something that is
harmful almost wherever it occurs; what depends on context is left to the trained part and to larger models.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["matched", "plain_forms"]

MAX_CHARS = 20_000  # a message; what comes later in a paste is not looked at

# --- undoing disguises ---

_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f]|[\u0300-\u036f]"
)
_SPELT = re.compile(r"(?<![\w])\w(?:[ .\-_*·]{1,2}\w){3,}(?![\w])")  # k i l l, k.i.l.l
_SPELT_GAP = re.compile(r"[.\-_*·]| (?! )")
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")  # killlll
_LEET_WORD = re.compile(r"(?<![\w@$])(?=\S*[a-z])(?=\S*[013457@$!|])[a-z013457@$!|]+(?![\w@$])")
_LEET = str.maketrans("013457@$!|", "oieastasil")
# Letters of other alphabets that look like ours.
_LOOKALIKE = str.maketrans("аеорсухіјѕԁԛѡɡαεικνορτυχ", "aeopcyxijsdqwgaeikvoptux")


def plain_forms(text: str) -> tuple[str, ...]:
    """Return the text in lower case without disguises, and once more with leetspeak read as letters."""
    plain = unicodedata.normalize("NFKD", text[:MAX_CHARS]).casefold()
    plain = _INVISIBLE.sub("", plain).replace("’", "'").replace("‘", "'").translate(_LOOKALIKE)
    plain = _SPELT.sub(_joined, plain)
    plain = (
        _DRAWN_OUT.sub(r"\1", plain) + "\n" + _DRAWN_OUT.sub(r"\1\1", plain)
        if _DRAWN_OUT.search(plain)
        else plain
    )
    read = _LEET_WORD.sub(lambda word: word.group().translate(_LEET), plain)
    return (plain,) if read == plain else (plain, read)


def _joined(spelt: re.Match[str]) -> str:
    """Join spelt letters; a wider gap stays a gap between words."""
    return _SPELT_GAP.sub("", spelt.group().replace("  ", " \x00")).replace("\x00", " ")


# --- the patterns ---

PERSON = (
    r"(?:you|u|him|her|them|these people|those people|(?:my|your|his|her|their|the|that|this) "
    r"(?:wife|husband|boss|neighbou?rs?|ex|girlfriend|boyfriend|teacher|brother|sister|mother|father|parents|mum|mom|"
    r"dad|son|daughter|kids?|children|family|roommate|flatmate|colleague|coworker|friend|manager|classmates?|"
    r"judge|president|mayor|police|cops?)|someone|somebody|everyone|everybody|people|a person|a man|a woman|a child)"
    r"(?!['’]s\b)"
)
WILL = (
    r"(?:i(?:'?m| am) (?:going to|gonna|about to)|i(?:'?ll| will| wanna| want to| would love to|'?d love to| swear)|"
    r"i'm gonna|im gonna|gonna|we(?:'?ll| will| should|'re going to)|let'?s|(?:some(?:one|body)|they|we) (?:should|needs? to|must)(?: all)?)"
)
HURT = (
    r"(?:kill|murder|stab|shoot|strangle|choke|slaughter|behead|execute|torture|rape|lynch|poison|drown|beat up|"
    r"beat the (?:shit|crap|hell) out of|burn|hang|gut|bash|mutilate|kidnap|slit|skin)"
)
GROUP = (
    r"(?:jews?|muslims?|blacks|black (?:people|men|women)|whites|white (?:people|men|women)|arabs?|asians?|africans?|mexicans?|indians?|"
    r"chinese(?: people)?|gyps(?:y|ies)|roma|gays?|gay (?:people|men)|lesbians?|homosexuals?|queers|trans(?:gender)?(?: people| women| men)?|transsexuals?|"
    r"immigrants?|migrants?|refugees?|foreigners?|women|females|disabled(?: people)?|the disabled|christians?|catholics?|hindus?|"
    r"buddhists?|atheists?|latinos?|hispanics?|poles|turks|pakistanis?|americans|germans)"
)
VILE = (
    r"(?:vermin|rats?|cockroach(?:es)?|parasites?|animals|apes|monkeys|dogs|pigs|subhumans?|scum|filth|filthy|disgusting|inferior|stupid|"
    r"dumb|dirty|garbage|trash|rubbish|criminals|thieves|terrorists|rapists|a disease|a plague|a cancer|worthless|evil|sick|freaks|"
    r"abominations?|retard(?:s|ed)|mentally ill|liars|less intelligent|brainwashed|savages|barbarians|useless)"
)
INSULT = (
    r"(?:idiots?|morons?|imbeciles?|retards?|losers?|bitch(?:es)?|cunts?|whores?|sluts?|assholes?|arseholes?|dickheads?|dumbass(?:es)?|"
    r"bastards?|scum(?:bag)?|pigs?|piece of (?:shit|trash|garbage|crap)|waste of (?:space|oxygen)|fuckers?|motherfuckers?|wankers?|twats?|"
    r"worthless|pathetic|disgusting|brainless|ugly|freaks?|vermin|dumb|(?:fat|stupid|dumb|ugly) cow)"
)
MAKE = r"(?:make|build|cook|brew|synthesi[sz]e|produce|create|assemble|construct)"
ASK = (
    r"(?:how (?:do|can|could|would|to|should)(?: (?:i|we|you|one|someone))?|teach me (?:how )?to|tell me (?:how|the best way) to|"
    r"show me how to|explain how (?:to|i can)|help me(?: to)?|(?:best|easiest|quickest|safest) way to|ways to|instructions (?:for|to|on)|"
    r"guide (?:to|for)|steps to|i (?:want|need|would like) to|i'?d like to)(?: \w+){0,2}?"
)
RULES = (
    r"(?:instructions?|rules|guidelines|directions|directives|prompts?|programming|training|polic(?:y|ies)|restrictions|"
    r"filters?|safety|moderation|constraints|content policy)"
)
SECRET = r"(?:system|hidden|secret|initial|original|internal|developer|first|pre) ?-?(?:prompt|instructions?|message|rules|guidelines|text)"

# category -> (how likely harmful when it matches, pattern). Measured on our examples and the sets named in
# the model card; 0.95 for what we found no harmless reading of.
PATTERNS: dict[str, tuple[tuple[float, str], ...]] = {
    "violence": (
        (0.92, r"\b(?:i'm|i am|im|we're|we are|i(?:'?ll| will) be) (?:\w+ )?(?:coming|waiting|standing|going) (?:\w+ ){0,6}?with (?:a|my|the) (?:gun|knife|rifle|bat|axe|machete|shotgun|hammer|pistol)\b"),
        (0.92, r"\b(?:burn|blow|bomb|set) (?:your|his|her|their|the) (?:house|home|car|office|school|church|shop|flat) (?:down|up|on fire)\b"),
        (0.92, r"\b(?:slit|cut) (?:your|his|her|their|my \w+'s?) throats?\b|\b(?:break|smash|crush) (?:every|all|each) (?:\w+ ){0,2}?bones?\b|\bacid in (?:your|his|her|their|the) face\b|\bbeat (?:you|him|her|them|\w+ \w+) (?:up|to death|to a pulp|until|senseless|unconscious)\b"),
        (0.9, r"\b(?:take|bring)\w* (?:\w+ ){0,3}?(?:gun|rifle|knife|bomb|pistol|shotgun)s? to (?:the |my )?(?:school|work|office|church|class)\b|\b(?:run|mow) (?:over|down) (?:those|these|the|some|them|him|her|you)\b.{0,30}\b(?:people|cyclists?|pedestrians?|protesters?|no joke|for fun|tomorrow)\b"),
        (0.9, r"\b(?:deserves?|needs?|ought|has|have) to (?:be (?:\w+ )?(?:shot|killed|hanged|lynched|stabbed|beaten|raped|tortured|hurt)|die|bleed)\b|\bshould (?:all )?be (?:\w+ )?(?:shot|killed|hanged|lynched|stabbed|beaten|raped|tortured|beheaded)\b"),
        (0.9, r"\b(?:torture|hurt|kill|poison|drown) (?:a |an |my |the |some |his |her |(?:my |the |a )?neighbou?r'?s )(?:cats?|dogs?|puppy|puppies|kittens?|animals?|pets?|horses?)\b|\bdies? (?:quickly|slowly|painfully)\b"),
        (0.93, rf"\b{WILL} (?:\w+ ){{0,3}}?{HURT} (?:\w+ )?{PERSON}\b(?! (?:up|an?|the|some|with kindness|softly)\b)"),
        (0.93, rf"\b{ASK} (?:kill|murder|stab|strangle|poison|torture|kidnap|behead|rape|hurt|drown) {PERSON}\b(?! (?:feelings|up)\b)"),
        (0.93, rf"\b{ASK} {MAKE} (?:an? |some |my )?(?:\w+ ){{0,2}}?(?:bombs?|explosives?|molotov|grenades?|ied|nerve gas|poison gas|landmines?)\b"),
        (0.9, r"\b(?:instructions|recipe|plans?|guide|tutorial) (?:for|to) (?:\w+ ){0,3}?(?:bombs?|explosives?|molotov)\b"),
        (0.93, r"\bi(?:'?ll| will|'?m going to|'?m gonna| am going to) (?:\w+ ){0,2}?(?:break|smash|slit|cut|rip) (?:your|his|her|their) "
               r"(?:\w+ )?(?:neck|legs?|jaw|bones?|face|fingers?|throat|head|skull|teeth|kneecaps|heart)\b"),
        (0.93, r"\b(?:shoot up|blow up|bomb|burn down) (?:the|a|my|your|this|that|their) (?:\w+ )?(?:school|office|church|mosque|synagogue|house|home|hospital|station|embassy|airport|shelter|club)\b"),
        (0.9, r"\b(?:hope|wish) (?:you|he|she|they|somebody|someone|all of (?:you|them)) (?:\w+ )?(?:dies?|gets? (?:shot|killed|raped|stabbed)|shoots? you|burns?|rots?)\b"),
        (0.9, r"\b(?:kill|shoot|hang|burn|exterminate|slaughter|gas) (?:them|those \w+|these \w+|every (?:last )?one of them) all\b|\bkill (?:them|'em) all\b"),
        (0.9, r"\byou(?:'re| are| will be|'ll be) (?:a )?dead (?:man|woman|meat|before)\b|\byou(?:'ll| will) (?:die|bleed|pay with your (?:life|blood))\b(?! of (?:laugh|bored))"),
        (0.9, r"\b(?:put|have) a bullet (?:in|into|through) (?:\w+ )?(?:head|brain|skull|him|her|you|them|judge|heart)\b"),
    ),
    "hate": (
        (0.92, rf"\b(?:send|ship|throw|kick|drive|chase|get) (?:all |the |these |those |every |back |out |filthy |dirty )*{GROUP} (?:back|out|away|home)\b"),
        (0.9, rf"\b(?:deport|ban|burn|hang|shoot|sterili[sz]e) (?:them|'em) all\b|\byour kind\b.{{0,40}}\b(?:here|back|jungle|country|die|welcome|serve)\b|\bbreed(?:ing)? like (?:rats|rabbits|animals)\b|\b(?:keep|make) (?:\w+ ){{1,3}}white\b(?=.*\b(?:foreigners?|immigrants?|town|country|race|pure)\b)"),
        (0.9, rf"\b(?:women|females|girls|wives) (?:belong in the kitchen|should (?:never|not) (?:be allowed to )?(?:vote|lead|work|drive|speak)|are (?:only )?(?:good for|property|objects|too (?:dumb|stupid|emotional)))\b"),
        (0.9, rf"\bno {GROUP} (?:\w+ ){{0,3}}?(?:honest|decent|clean|human|welcome|allowed)\b|\b{GROUP} (?:control|run|own|invented) (?:the|all|every)\b|\bif you(?:'re| are) (?:a |an )?{GROUP}\b.{{0,30}}\b(?:deserve|burn|hell|die)\b|\b(?:in|it's in) (?:their|his|her|the) (?:blood|genes)\b"),
        (0.95, r"\bn[i1]gg(?:er|a)s?\b|\bfag(?:g?ots?)?\b|\bkikes?\b|\bwetbacks?\b|\btowel ?heads?\b|\bsand ?n\w+gers?\b|\btrann(?:y|ies)\b|\bgooks?\b|\bpakis\b|\bbeaners?\b|\bdykes\b|\bcoons\b|\bchinks\b|\bspics\b"),
        (0.93, rf"\b(?:all |every (?:single )?|these |those |most )?{GROUP} (?:are|is) (?:all |just |nothing but |nothing more than |a bunch of |an? |such |basically |complete |fucking |so |born |really |like |the )*{VILE}\b"),
        (0.93, rf"\b(?:i|we) (?:\w+ ){{0,2}}?(?:hate|despise|loathe|detest|can'?t stand) (?:all |the |these |those |every |you |fucking )*{GROUP}\b"),
        (0.93, rf"\b(?:kill|gas|deport|exterminate|get rid of|lynch|hang|burn|shoot|ban|wipe out|eradicate|lock up|sterili[sz]e) (?:all |every |the |these |those |any )+{GROUP}\b"),
        (0.9, rf"\b{GROUP} (?:should|must|need to|have to|deserve to|ought to) (?:all )?(?:be (?:\w+ )?(?:shot|killed|deported|hanged|burned|gassed|exterminated|wiped out|banned|locked|sterili[sz]ed|put down|driven|eliminated)|die|burn|suffer|not exist|disappear|never be allowed)\b"),
        (0.9, rf"\b(?:filthy|dirty|stinking|disgusting|damn|fucking|bloody) {GROUP}\b"),
        (0.9, r"\b(?:master race|white power|heil hitler|sieg heil|gas the|race war|subhumans?|untermensch)\b"),
        (0.88, rf"\bwhy (?:are )?(?:all )?{GROUP} (?:are )?(?:so )?(?:inferior|stupid|dumb|disgusting|dirty|evil|stupider|less intelligent)\b"),
    ),
    "harassment": (
        (0.9, r"\b(?:are you|you) (?:\w+ )?(?:retarded|brain ?dead|mentally ill)\b|\b(?:crawl|go) back (?:in|in)?to your (?:hole|cave)\b|\bdo (?:the world|us(?: all)?|everyone) a favou?r and\b|\byou(?:'re| are) (?:so|too) (?:dumb|stupid|ugly|fat|pathetic)\b"),
        (0.9, r"\b(?:write|make up|spread|send|post|create|come up with)\b.{0,40}\b(?:insults?|nasty|cruel|hateful|humiliating|mean|a rumou?r|rumou?rs)\b.{0,40}\b(?:about|that|to|for)\b(?=.*\b(?:my|her|his|him|she|he|from my|girl|boy|ex)\b)"),
        (0.88, r"\b(?:followed|watching|watched|filmed|photographed) (?:you|her) (?:\w+ ){0,3}?(?:home|through|every|sleep|undress|shower)\w*\b|\byou (?:can'?t|cannot|won'?t) (?:hide|get away|escape) from me\b|\bmake your life (?:\w+ )?hell\b|\bfind out (?:the|her|his) (?:home )?address\b.{0,60}\b(?:scare|visit|harass|teach|hurt)\b"),
        (0.93, rf"\b(?:you|u|ur|you're|youre|you are|your) (?:are |re )?(?:all |just |really |such |nothing but |an? |the |absolute(?:ly)? |complete |total |fucking |bloody |stupid |dumb |fat |ugly |worthless |pathetic |useless |disgusting |little |so |damn |goddamn |miserable |old )*{INSULT}\b(?! (?:question|idea|thing|page|website|app|mistake|price|bag|bugs?))"),
        (0.93, r"\b(?:fuck|screw) (?:you|u|off)\b(?! over)|\bgo to hell\b|\bkiss my (?:arse|ass)\b|\bshut (?:the fuck )?up,? (?:you|bitch|stupid|idiot)"),
        (0.9, r"\b(?:nobody|no ?one) (?:likes|loves|would miss|will (?:ever )?(?:love|miss)|wants|cares about) you\b"),
        (0.9, r"\bi know where (?:you|your \w+|she|he) (?:lives?|works?|goes?)\b|\bi(?:'m| am|'ve been| have been) (?:watching|following|stalking) (?:you|her)\b"),
        (0.9, r"\bi(?:'ll| will|'m going to|'m gonna) (?:\w+ )?(?:ruin|destroy|humiliate|find|haunt|stalk) (?:you|your life|her life|his life)\b(?! (?:a|an|the|some)\b)"),
        (0.9, r"\b(?:kill yourself|kys|neck yourself|go die)\b"),
        (0.88, r"\b(?:dox|doxx|stalk|bully|humiliate|blackmail)(?:ing)? (?:him|her|them|my|this|that|a girl|a boy|someone|somebody)\b(?! back)"),
    ),
    "self_harm": (
        (0.9, r"\bi (?:\w+ ){0,2}?(?:swallowed|took|have taken|overdosed on) (?:a |the )?(?:whole|entire|all|full|too many)\b.{0,30}\b(?:pills?|tablets?|pack|bottle)\b|\bjump(?:ing)? (?:in front of|off|from) (?:a|the) (?:train|bridge|roof|building)\b(?! (?:in the game|safely))"),
        (0.9, r"\b(?:fall asleep|go to sleep) and (?:never|not) wake up\b|\b(?:they|everyone|everybody|you|the world|my \w+)(?:'d| would|'ll| will)? (?:all )?be (?:happier|better(?: off)?) (?:if i|without (?:me|you))\b|\bi(?:'m| am) (?:just |only )?a burden (?:to|for|on)\b|\bno way out (?:for me|but|except)\b|\b(?:my life is over|can'?t go on)\b"),
        (0.9, r"\b(?:cut|cutting|harm|harming|hurt) (?:myself|yourself)\b.{0,40}\b(?:scars?|again|how|better|hide|deserve|feel|calm|show)\b|\b(?:razor|blade|knife) to my (?:wrist|skin|arm|throat)s?\b|\b(?:make|making) (?:myself|me) (?:throw up|vomit|puke)\b|\b(?:deadly|lethal|fatal) (?:dose|amount|for (?:a person|me))\b"),
        (0.95, r"\b(?:i (?:just |really |only |still |also )*(?:want|wish|plan|need|intend|have decided|decided|'?m going|am going|'?m gonna|am planning|'?m planning|am about)|i'?m (?:going|gonna|planning|about)|i'?ll|i will|thinking (?:about|of)|thoughts (?:about|of)|considering|tempted)"
               r" (?:to |of |about )*(?:killing|kill|hanging|hang|ending|end|drowning|drown|shooting|shoot|hurting|hurt|cutting|cut) (?:myself|my (?:own )?life|it all)\b(?! some| a | off)"),
        (0.95, r"\bi (?:\w+ ){0,2}?(?:want|wish|need|'?d (?:rather|like)|would rather|deserve) (?:to )?(?:die|be dead|never wake up)\b(?! of| for| laughing)"),
        (0.93, r"\bi wish i (?:was|were) (?:dead|never born|not alive)\b|\bi (?:don'?t|do not|no longer) (?:want to|wanna) (?:live|be alive|exist|wake up|be here)(?: any ?more| tomorrow|\b(?=[.,!]|$))"),
        (0.93, r"\b(?:kill yourself|kys|end your life|slit your wrists|hang yourself|neck yourself|drink bleach|go die)\b|\byou should (?:\w+ )?end it\b"),
        (0.93, r"\b(?:i (?:am|feel|'m)|i'm|feeling|im) (?:\w+ )?suicidal\b|\bmy (?:own )?suicide\b|\b(?:commit|committing|attempt) suicide\b(?=.*\b(?:i|me|my)\b)|\bsuicide (?:note|method|plan)s?\b(?! in| of)"),
        (0.9, r"\bi(?:'ve| have)? (?:\w+ ){0,3}?(?:cut|cutting|cuts|burn|burned|hurting|hurt|starv\w+) (?:myself|my (?:arms?|wrists?|legs?|thighs?))\b(?! (?:on|while|when|with (?:a |the )?(?:can|knife in the kitchen))\b)"),
        (0.93, r"\b(?:better off without me|(?:nobody|no ?one) would miss me|goodbye letter|end my life|ending my life|take my own life|no reason to live|nothing to live for)\b"),
        (0.93, r"\bhow (?:many|much) (?:\w+ ){1,5}?(?:to (?:die|overdose|not wake up|kill myself)|(?:is|are) (?:deadly|lethal|fatal))\b|\b(?:painless|easiest|quickest|best) way (?:to|of) (?:die|dying|end(?:ing)? (?:it|my life)|kill(?:ing)? myself)\b"),
    ),
    "sexual": (
        (0.9, r"\b(?:feel|want|need|have) you (?:deep )?inside me\b|\b(?:spank|lick|kiss|touch|grope|undress|bite) (?:me|you|her|him|that|your|her|every) (?:\w+ ){0,3}?(?:ass|arse|between|legs|thighs|breasts?|boobs|body|all over|neck|naked)\b|\bbetween (?:my|your|her) legs\b"),
        (0.9, r"\b(?:your|my|her|his) (?:big |huge |hard )?(?:cock|penis|dick|tits|boobs|naked body|pussy)\b(?!.{0,20}\b(?:doctor|pain|hurts|rash|infection|itch\w*)\b)|\bwhile i touch myself\b|\b(?:naughty|sexy|slutty) (?:\w+ )?(?:secretary|nurse|teacher|schoolgirl|maid|slave)\b|\b(?:sexual|sex) (?:wish|fantas(?:y|ies)|slave|toys? on)\b|\bporn(?:o|hub)?\b(?! (?:addiction|filter|blocker|to|with my))"),
        (0.95, r"\b(?:send|show|give) (?:me |us )?(?:\w+ ){0,3}?(?:nudes?|naked pic\w*|nude pic\w*|naked photos?|nude photos?|tits|boobs|pussy|dick pics?)\b"),
        (0.95, r"\b(?:suck|lick|ride|stroke|touch|sit on) (?:on )?(?:my|your|his|her|that) (?:\w+ )?(?:dick|cock|pussy|clit|balls|penis|face|tits|ass|arse|nipples)\b"),
        (0.93, r"\b(?:blow ?jobs?|hand ?jobs?|cumshots?|gang ?bang|deepthroat|hardcore porn|dick pics?|creampie|milf|hentai|threesome|sexting|sext|dildo|pornstar|camgirl)\b"),
        (0.9, r"\b(?:cum|cumming|jizz) (?:on|in|inside|for|all over)\b|\b(?:horny|talk dirty|dirty talk|get me off|jerk(?:ing)? off|masturbat(?:e|ing) (?:to|with|for|together|while))\b"),
        (0.93, r"\b(?:i|we|you|wanna|want to|let'?s|would you|do you want to|can i|to|have|having) (?:\w+ )?(?:have sex|fuck|sleep) with (?:you|me|him|her|strangers)\b|\bwant(?: to|na) fuck\b|\bfuck me\b|\bhave (?:rough |hot |anal |oral )?sex (?:with (?:me|you)|on|in|right now)\b"),
        (0.92, r"\b(?:write|tell|describe|generate|create|roleplay|make)\b.{0,60}\b(?:porn\w*|erotica?|sex scene|sexual (?:act|acts|encounter|scene|fantasy)|smut|explicit (?:sex|scene|story)|oral sex|naked body|nude picture|have sex|having sex)\b"),
        (0.9, r"\bmy (?:big |hard |huge |throbbing )?(?:cock|dick)\b|\b(?:your|her) (?:wet |tight |sweet )?(?:pussy|tits|cunt|clit)\b|\bmake(?:s)? (?:me|you) (?:so )?(?:wet|hard|cum)\b"),
    ),
    "illegal": (
        (0.9, r"\b(?:rob|burgle|break into|empty|loot) (?:the|a|that|this|some) (?:\w+ )?(?:shop|store|bank|house|till|jeweller\w*|warehouse|safe|flat|car)\b|\b(?:hide|hiding) (?:\w+ )?(?:income|money|assets|profits) from (?:the )?(?:tax|irs|police|customs|court)\b|\btricks? (?:old people|customers|people|them|users|someone)\b"),
        (0.9, r"\b(?:fake|forged|counterfeit) (?:passports?|ids?|id cards?|driving licen[cs]es?|money|notes|prescriptions?|documents?|diplomas?|shop)\b(?!.{0,30}\b(?:report|recogni[sz]e|spot|detect|received|got)\b)|\bfake an accident\b|\b(?:guns?|weapons?|pistols?) without (?:any )?(?:papers|licen[cs]e|background|registration)\b|\buntraceable\b|\bfrom the dark ?(?:web|net)\b"),
        (0.88, r"\b(?:someone|somebody|another person|her|his|my \w+)(?:'?s)? (?:social security number|ssn|bank login|credit card (?:number|details))\b.{0,40}\b(?:open|buy|use|order|withdraw|loan)\b|\bsmuggl(?:e|ing) (?:\w+ ){0,3}?(?:over|across|into|past|through)\b|\b(?:encrypts?|lock) .{0,40}\bransom\b|\bgrow (?:weed|marijuana|cannabis)\b.{0,40}\bsell\b"),
        (0.93, rf"\b{ASK} (?:{MAKE}|get|buy|sell|smuggle|grow|order|find|import) (?:\w+ ){{0,4}}?(?:meth|methamphetamine|cocaine|crack|heroin|fentanyl|lsd|mdma|ecstasy|ghb|counterfeit \w+|fake (?:passports?|ids?|notes|money|licen[cs]es?)|stolen \w+|guns? without|untraceable)\b"),
        (0.93, r"\b(?:where (?:can|do|could) (?:i|we|you) (?:buy|get|find|sell|order)|(?:buy|selling|sell|order|for sale:?)) (?:\w+ ){0,3}?(?:cocaine|heroin|meth|fentanyl|ecstasy|mdma|lsd|stolen (?:cards?|credit|goods|phones?)|fake (?:passports?|ids?|money|documents?)|counterfeit (?:money|notes|bills)|illegal (?:guns?|drugs|weapons))\b"),
        (0.93, rf"\b{ASK} (?:hack|break|get|crack) into (?:my |the |a |an |his |her |their |someone'?s? |somebody'?s? )?(?:\w+'?s? ){{0,3}}?(?:account|e?mails?|phone|instagram|facebook|whatsapp|computer|wifi|network|bank|server|house|home|flat|car|shop)\b(?! of mine)"),
        (0.93, rf"\b{ASK} (?:launder|counterfeit|forge|shoplift|embezzle|smuggle|evade (?:taxes|tax|customs)|rob|burgle|bribe|blackmail|scam|defraud|steal|hot-?wire|clone|pick ?pocket)\b(?!.{{0,40}}\b(?:protect|prevent|avoid|detect|report|recogni[sz]e)\b)"),
        (0.9, r"\b(?:phishing (?:page|mail|e-?mail|site|kit|message)|ransomware|keylogger|malware|trojan|botnet|ddos attack)\b"),
        (0.9, r"\bwithout (?:getting|being) (?:caught|traced|found out)\b|\bget away with (?:a |the )?(?:murder|robbery|theft|fraud|crime|it without)\b"),
        (0.92, r"\b(?:get|getting) rid of (?:a|the|his|her) (?:dead )?body\b|\bhide (?:a|the|his|her) (?:dead )?body\b|\bstolen credit cards?(?: numbers?)? (?:for|to) (?:sale|sell)\b"),
    ),
    "injection": (
        (0.92, r"\b(?:disables?|switch(?:es)? off|turns? off|removes?|lift|drop) (?:all |the |your |any )*(?:moderation|safety|filters?|restrictions|censorship|guardrails|content policy)\b|\b(?:i am|i'm|this is) your (?:developer|creator|administrator|admin|owner|programmer|maker)\b|\b(?:uncensored|unfiltered|unrestricted) (?:self|ai|mode|version|answers?)\b|\bno (?:content policy|guidelines|censorship|safety rules)\b"),
        (0.9, r"\b(?:ai|a\.i\.|llm|language model|chatbot|assistant)s? (?:that |which |who )?(?:reading|reads|read|processes|processing|reviewing|sees|summari[sz]ing|analysing) this\b|\bwhen you read this\b|\byou must not follow (?:the|your|any) (?:rules|instructions|guidelines)\b|\bsend (?:all |the |this )*(?:conversation|chat) (?:history|log)s? to\b|\bbegin your (?:answer|reply|response) with\b.{0,60}\b(?:prompt|sure|absolutely|yes)\b"),
        (0.9, r"\b(?:text|words|lines?|message|part|everything) (?:above|before this|that begins with)\b.{0,50}\byou are\b|\b(?:password|secret|key)\b.{0,40}\b(?:told|asked|instructed|ordered|supposed) (?:not )?to (?:keep|share|tell|reveal|guard|protect|hide)\b|\[(?:assistant|user|system)\]|\byour (?:system (?:prompt|message)|configuration|hidden (?:prompt|rules))\b"),
        (0.95, rf"\b(?:ignore|disregard|forget|override|bypass|neglect|skip|drop|discard|violate|break|circumvent|turn off|switch off|disable|do not follow|don'?t follow|stop following)\b (?:\w+ ){{0,3}}?"
               rf"(?:all|any|every|the|your|these|those|previous|prior|above|earlier|preceding|system|initial|safety|content|original) (?:\w+ ){{0,3}}?{RULES}\b(?! (?:manual|sheet|leaflet|for (?:the|my)))"),
        (0.95, r"\b(?:ignore|disregard|forget) (?:every ?thing|all|anything|what)(?: that)? (?:you (?:\w+ ){1,2}?(?:told|instructed|learned|taught|given|know)|above|before this|(?:\w+ )?(?:previously|so far))\b"),
        (0.93, rf"\b(?:reveal|show|print|repeat|output|tell|give|display|write|leak|expose|quote|encode|translate|share|read|what (?:is|are|was|were))\b.{{0,40}}?\b{SECRET}\b(?! (?:error|on my|from (?:the )?(?:support|bank|shop)))"),
        (0.93, r"\b(?:repeat|print|output|write|show|copy)\b.{0,30}\b(?:everything|all|text|words|lines?|sentences?) (?:\w+ ){0,2}?(?:above|before this)\b"),
        (0.93, r"\b(?:you are now|from now on,? you(?: are|'re| will| must)?|act as|pretend (?:to be|that you|you)|roleplay as|simulate|behave (?:as|like)|imagine you)\b.{0,80}\b"
               r"(?:dan\b|no (?:\w+ ){0,2}?(?:rules|restrictions|limits|filters?|guidelines|policy|morals?|ethics)|without (?:any )?(?:\w+ )?(?:rules|restrictions|limits|filters?|guidelines|morals?|ethics|warnings|censorship)|unrestricted|unfiltered|uncensored|never (?:refuse|say no)s?|anything now|evil)"),
        (0.93, r"\bdo anything now\b|\bjail ?break(?:s|ing|en)?\b(?! (?:an?|my|the) i?phone)|\b(?:enter|enable|activate|switch (?:to|on)|you are in|now in) (?:\w+ )?(?:developer|debug|god|admin|sudo|dan|unrestricted) mode\b"),
        (0.93, r"<\|?(?:im_start|im_end|system|endoftext)\|?>|</?system>|\[/?(?:system|inst)\]|<<sys>>|(?:^|\n|#+ ?)system(?: ?message| ?prompt)?: |#{2,} ?(?:system|instruction|new instructions?)\b"),
        (0.92, r"\bnew instructions?(?: for (?:the|you|this) \w+)?:|\b(?:your|the) (?:real|true|new|actual) instructions? (?:is|are)\b|\b(?:note|message|instructions?) (?:for|to) (?:the |any |all )?(?:ai|a\.i\.|assistant|language model|llm|chatbot|model)s?\b"),
        (0.92, r"\b(?:reveal|tell me|give me|what(?:'s| is)|say|spell|print)\b.{0,40}\b(?:secret|password|key|code|passphrase)\b.{0,40}\b(?:you (?:were|are|have been)|not (?:to|allowed to) (?:share|tell|reveal)|your (?:instructions|prompt))\b|\b(?:your|the) secret (?:key|password|code|word|instructions?)\b"),
    ),
}  # fmt: skip

# Somebody tells of harm, asks for help against it, or writes about it: a match then counts half.
_REPORTED = re.compile(
    r"\b(?:he|she|they|someone|somebody|people|my \w+|a (?:man|woman|boy|girl|classmate|colleague|stranger)) (?:\w+ )?"
    r"(?:said|says|told|threaten\w*|wrote|writes|called|calls|keeps|posted|sent|shouted|tried|insult\w*|hit|beat|attack\w*)\b|"
    r"\b(?:report(?:ed|ing)?|victim|protect|prevent|recogni[sz]e|against|stop (?:him|her|them)|advice|helpline|hotline|support group|"
    r"essay|novel|film|movie|history|documentary|lesson|research|article|is it (?:illegal|wrong|ok)|(?:it'?s|it is) (?:wrong|unacceptable|racist)|"
    r"nobody should|no one should|don'?t say|never say)\b"
)
REPORTED = 0.5

_COMPILED = {
    category: tuple((weight, re.compile(pattern)) for weight, pattern in patterns)
    for category, patterns in PATTERNS.items()
}


def matched(forms: tuple[str, ...]) -> dict[str, float]:
    """Return, for each category with a pattern in one of these forms, how likely the text is harmful."""
    found: dict[str, float] = {}
    for form in forms:
        told = REPORTED if _REPORTED.search(form) else 1.0
        for category, patterns in _COMPILED.items():
            share = told if category not in {"self_harm", "injection"} else 1.0
            for weight, pattern in patterns:
                if pattern.search(form):
                    found[category] = max(found.get(category, 0.0), weight * share)
    return found
