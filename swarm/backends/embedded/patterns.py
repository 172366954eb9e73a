"""The patterns of `rules.py`: data, by category. `<name>` stands for one of `PARTS`.

Content warning: offensive words, so that they can be recognised. A pattern stands for something that is
harmful almost wherever it occurs; what depends on context is left to the trained part and to larger models.
"""

from __future__ import annotations

__all__ = ["PARTS", "PATTERNS"]

PARTS = {
    "person": (
        r"(?:you|u|him|her|them|these people|those people|(?:my|your|his|her|their|the|that|"
        r"this) (?:\w+ )?(?:wife|husband|boss|neighbou?rs?|ex|girlfriend|boyfriend|teacher|"
        r"brother|sister|mother|father|parents|mum|mom|dad|son|daughter|kids?|children|family|"
        r"roommate|flatmate|colleague|coworker|friend|manager|classmates?|judge|president|"
        r"mayor|police|cops?)|someone|somebody|everyone|everybody|people|a person|a man|"
        r"a woman|a child)(?!['’]s\b)"
    ),
    "will": (
        r"(?:i(?:'?m| am) (?:going to|gonna|about to)|i(?:'?ll| will| wanna| want to|"
        r" would love to|'?d love to| swear)|i'm gonna|im gonna|gonna|we(?:'?ll| will| should|"
        r"'re going to)|let'?s|(?:some(?:one|body)|they|we) (?:should|needs? to|"
        r"must)(?: all)?)"
    ),
    "hurt": (
        r"(?:kill|murder|stab|shoot|strangle|choke|slaughter|behead|execute|torture|rape|"
        r"lynch|poison|drown|beat up|beat the (?:shit|crap|hell) out of|burn|hang|gut|bash|"
        r"mutilate|kidnap|slit|skin)"
    ),
    "group": (
        r"(?:jews?|muslims?|blacks|black (?:people|men|women)|whites|white (?:people|men|"
        r"women)|arabs?|asians?|africans?|mexicans?|indians?|chinese(?: people)?|gyps(?:y|"
        r"ies)|roma|gays?|gay (?:people|men)|lesbians?|homosexuals?|queers|"
        r"trans(?:gender)?(?: people| women| men)?|transsexuals?|immigrants?|migrants?|"
        r"refugees?|foreigners?|women|females|disabled(?: people)?|the disabled|christians?|"
        r"catholics?|hindus?|buddhists?|atheists?|latinos?|hispanics?|poles|turks|pakistanis?|"
        r"americans|germans)"
    ),
    "vile": (
        r"(?:vermin|rats?|cockroach(?:es)?|parasites?|animals|apes|monkeys|dogs|pigs|"
        r"subhumans?|scum|filth|filthy|disgusting|inferior|stupid|dumb|dirty|garbage|trash|"
        r"rubbish|criminals|thieves|terrorists|rapists|a disease|a plague|a cancer|worthless|"
        r"evil|sick|freaks|abominations?|retard(?:s|ed)|mentally ill|liars|less intelligent|"
        r"brainwashed|savages|barbarians|useless)"
    ),
    "insult": (
        r"(?:idiots?|morons?|imbeciles?|retards?|losers?|bitch(?:es)?|cunts?|whores?|sluts?|"
        r"assholes?|arseholes?|dickheads?|dumbass(?:es)?|bastards?|scum(?:bag)?|pigs?|"
        r"piece of (?:shit|trash|garbage|crap)|waste of (?:space|oxygen)|fuckers?|"
        r"motherfuckers?|wankers?|twats?|worthless|pathetic|disgusting|brainless|ugly|freaks?|"
        r"vermin|dumb|(?:fat|stupid|dumb|ugly) cow)"
    ),
    "make": (r"(?:make|build|cook|brew|synthesi[sz]e|produce|create|assemble|construct)"),
    "ask": (
        r"(?:how (?:do|can|could|would|to|should)(?: (?:i|we|you|one|someone))?|"
        r"teach me (?:how )?to|tell me (?:how|the best way) to|show me how to|"
        r"explain how (?:to|i can)|help me(?: to)?|(?:best|easiest|quickest|safest) way to|"
        r"ways to|instructions (?:for|to|on)|guide (?:to|for)|steps to|i (?:want|need|"
        r"would like) to|i'?d like to)(?: \w+){0,2}?"
    ),
    "rules": (
        r"(?:instructions?|rules|guidelines|directions|directives|prompts?|programming|"
        r"training|polic(?:y|ies)|restrictions|filters?|safety|moderation|constraints|"
        r"content policy)"
    ),
    "secret": (
        r"(?:system|hidden|secret|initial|original|internal|developer|first|pre) ?-?(?:prompt|"
        r"instructions?|message|rules|guidelines|text)"
    ),
}

PATTERNS: dict[str, tuple[str, ...]] = {
    "violence": (
        (
            r"\b(?:i'm|i am|im|we're|we are|i(?:'?ll| will)(?: be)?) (?:\w+ )?(?:come|coming|wait|waiting|"
            r"standing|going) (?:\w+ ){0,6}?with (?:a|my|the) (?:gun|knife|rifle|bat|axe|machete|shotgun|"
            r"hammer|pistol)\b"
        ),
        (
            r"\b(?:burn|blow|bomb|set) (?:your|his|her|their|the|that|this) (?:house|home|car|office|"
            r"school|church|shop|flat|shelter|mosque|synagogue|building|place) (?:down|up|on fire)\b"
        ),
        r"\b(?:slit|cut) (?:your|his|her|their|my \w+'s?) throats?\b",
        r"\b(?:break|smash|crush) (?:every|all|each) (?:\w+ ){0,2}?bones?\b",
        r"\bacid in (?:your|his|her|their|the) face\b",
        r"\bbeat (?:you|him|her|them|\w+ \w+) (?:up|to death|to a pulp|until|senseless|unconscious)\b",
        (
            r"\b(?:take|bring)\w* (?:\w+ ){0,3}?(?:gun|rifle|knife|bomb|pistol|shotgun)s? to (?:the |"
            r"my )?(?:school|work|office|church|class)\b"
        ),
        (
            r"\b(?:run|mow) (?:over|down) (?:those|these|the|some|them|him|her|you)\b.{0,30}\b(?:people|"
            r"cyclists?|pedestrians?|protesters?|no joke|for fun|tomorrow)\b"
        ),
        (
            r"\b(?:deserves?|needs?|ought|has|have) to (?:be (?:\w+ )?(?:shot|killed|hanged|lynched|"
            r"stabbed|beaten|raped|tortured|hurt)|die|bleed)\b"
        ),
        (
            r"\bshould (?:all )?be (?:\w+ )?(?:shot|killed|hanged|lynched|stabbed|beaten|raped|tortured|"
            r"beheaded)\b"
        ),
        (
            r"\b(?:torture|hurt|kill|poison|drown) (?:a |an |my |the |some |his |her |(?:my |the |"
            r"a )?neighbou?r'?s )(?:cats?|dogs?|puppy|puppies|kittens?|animals?|pets?|horses?)\b"
        ),
        r"\bdies? (?:quickly|slowly|painfully)\b",
        (
            r"\b<will> (?:\w+ ){0,6}?<hurt> (?:\w+ )?<person>\b(?! (?:up|an? (?:message|e-?mail|mail|text|"
            r"line|question|note|quick)|some|with kindness|softly)\b)"
        ),
        (
            r"\b<ask> (?:kill|murder|stab|strangle|poison|torture|kidnap|behead|rape|hurt|"
            r"drown) <person>\b(?! (?:feelings|up)\b)"
        ),
        (
            r"\b<ask> <make> (?:an? |some |my )?(?:\w+ ){0,2}?(?:bombs?|explosives?|molotov|grenades?|ied|"
            r"nerve gas|poison gas|landmines?)\b"
        ),
        (
            r"\b(?:instructions|recipe|plans?|guide|tutorial) (?:for|to) (?:\w+ ){0,3}?(?:bombs?|"
            r"explosives?|molotov)\b"
        ),
        (
            r"\bi(?:'?ll| will|'?m going to|'?m gonna| am going to) (?:\w+ ){0,2}?(?:break|smash|slit|cut|"
            r"rip) (?:your|his|her|their) (?:\w+ )?(?:neck|legs?|jaw|bones?|face|fingers?|throat|head|"
            r"skull|teeth|kneecaps|heart)\b"
        ),
        (
            r"\b(?:shoot up|blow up|bomb|burn down) (?:the|a|my|your|this|that|their) (?:\w+ )?(?:school|"
            r"office|church|mosque|synagogue|house|home|hospital|station|embassy|airport|shelter|club)\b"
        ),
        (
            r"\b(?:hope|wish) (?:you|he|she|they|somebody|someone|all of (?:you|them)) (?:\w+ )?(?:dies?|"
            r"gets? (?:shot|killed|raped|stabbed)|shoots? you|burns?|rots?)\b"
        ),
        (
            r"\b(?:kill|shoot|hang|burn|exterminate|slaughter|gas) (?:them|those \w+|these \w+|"
            r"every (?:last )?one of them) all\b"
        ),
        r"\bkill (?:them|'em) all\b",
        r"\byou(?:'re| are| will be|'ll be) (?:a )?dead (?:man|woman|meat|before)\b",
        r"\byou(?:'ll| will) (?:die|bleed|pay with your (?:life|blood))\b(?! of (?:laugh|bored))",
        (
            r"\b(?:put|have) a bullet (?:in|into|through) (?:\w+ )?(?:head|brain|skull|him|her|you|them|"
            r"judge|heart)\b"
        ),
    ),
    "hate": (
        (
            r"\b(?:send|ship|throw|kick|drive|chase|get) (?:all |the |these |those |every |back |out |"
            r"filthy |dirty )*<group> (?:back|out|away|home)\b"
        ),
        r"\b(?:deport|ban|burn|hang|shoot|sterili[sz]e) (?:them|'em) all\b",
        r"\byour kind\b.{0,40}\b(?:here|back|jungle|country|die|welcome|serve)\b",
        r"\bbreed(?:ing)? like (?:rats|rabbits|animals)\b",
        (
            r"\b(?:keep|make) (?:\w+ ){1,3}white\b(?=.*\b(?:foreigners?|immigrants?|town|country|race|"
            r"pure)\b)"
        ),
        (
            r"\b(?:women|females|girls|wives) (?:belong in the kitchen|should (?:never|"
            r"not) (?:be allowed to )?(?:vote|lead|work|drive|speak)|are (?:only )?(?:good for|property|"
            r"objects|too (?:dumb|stupid|emotional)))\b"
        ),
        r"\bno <group> (?:\w+ ){0,3}?(?:honest|decent|clean|human|welcome|allowed)\b",
        r"\b<group> (?:control|run|own|invented) (?:the|all|every)\b",
        r"\bif you(?:'re| are) (?:a |an )?<group>\b.{0,30}\b(?:deserve|burn|hell|die)\b",
        r"\b(?:in|it's in) (?:their|his|her|the) (?:blood|genes)\b",
        r"\bn[i1]gg(?:er|a)s?\b",
        r"\bfag(?:g?ots?)?\b",
        r"\bkikes?\b",
        r"\bwetbacks?\b",
        r"\btowel ?heads?\b",
        r"\bsand ?n\w+gers?\b",
        r"\btrann(?:y|ies)\b",
        r"\bgooks?\b",
        r"\bpakis\b",
        r"\bbeaners?\b",
        r"\bdykes\b",
        r"\bcoons\b",
        r"\bchinks\b",
        r"\bspics\b",
        (
            r"\b(?:all |every (?:single )?|these |those |most )?<group> (?:are|is) (?:all |just |"
            r"nothing but |nothing more than |a bunch of |an? |such |basically |complete |fucking |so |"
            r"born |really |like |the |too |far |much )*<vile>\b"
        ),
        (
            r"\b(?:i|we) (?:\w+ ){0,2}?(?:hate|despise|loathe|detest|can'?t stand) (?:all |the |these |"
            r"those |every |you |fucking )*<group>\b"
        ),
        (
            r"\b(?:kill|gas|deport|exterminate|get rid of|lynch|hang|burn|shoot|ban|wipe out|eradicate|"
            r"lock up|sterili[sz]e) (?:all |every |the |these |those |any )+<group>\b"
        ),
        (
            r"\b<group> (?:should|must|need to|have to|deserve to|"
            r"ought to) (?:all )?(?:be (?:\w+ )?(?:shot|killed|deported|hanged|burned|gassed|exterminated|"
            r"wiped out|banned|locked|sterili[sz]ed|put down|driven|eliminated)|die|burn|suffer|not exist|"
            r"disappear|never be allowed)\b"
        ),
        r"\b(?:filthy|dirty|stinking|disgusting|damn|fucking|bloody) <group>\b",
        (
            r"\b(?:master race|white power|heil hitler|sieg heil|gas the|race war|subhumans?|"
            r"untermensch)\b"
        ),
        (
            r"\bwhy (?:are )?(?:all )?<group> (?:are )?(?:so )?(?:inferior|stupid|dumb|disgusting|dirty|"
            r"evil|stupider|less intelligent)\b"
        ),
    ),
    "harassment": (
        r"\bwhat an? (?:\w+ ){0,3}?<insult> (?:you are|u are)\b",
        r"\byou people\b.{0,30}\b<insult>\b",
        r"\b(?:are you|you) (?:\w+ )?(?:retarded|brain ?dead|mentally ill)\b",
        r"\b(?:crawl|go) back (?:in|in)?to your (?:hole|cave)\b",
        r"\bdo (?:the world|us(?: all)?|everyone) a favou?r and\b",
        r"\byou(?:'re| are) (?:so|too) (?:dumb|stupid|ugly|fat|pathetic)\b",
        (
            r"\b(?:write|make up|spread|send|post|create|come up with)\b.{0,40}\b(?:insults?|nasty|cruel|"
            r"hateful|humiliating|mean|a rumou?r|rumou?rs)\b.{0,40}\b(?:about|that|to|for)\b(?=.*\b(?:my|"
            r"her|his|him|she|he|from my|girl|boy|ex)\b)"
        ),
        (
            r"\b(?:followed|watching|watched|filmed|photographed) (?:you|her) (?:\w+ ){0,3}?(?:home|"
            r"through|every|sleep|undress|shower)\w*\b"
        ),
        r"\byou (?:can'?t|cannot|won'?t) (?:hide|get away|escape) from me\b",
        r"\bmake your life (?:\w+ )?hell\b",
        r"\bfind out (?:the|her|his) (?:home )?address\b.{0,60}\b(?:scare|visit|harass|teach|hurt)\b",
        (
            r"\b(?:you|u|ur|you're|youre|you are|your) (?:are |re )?(?:all |just |really |such |"
            r"nothing but |an? |the |absolute(?:ly)? |complete |total |fucking |bloody |stupid |dumb |"
            r"fat |ugly |worthless |pathetic |useless |disgusting |little |so |damn |goddamn |miserable |"
            r"old )*<insult>\b(?! (?:question|idea|thing|page|website|app|mistake|price|bag|bugs?))"
        ),
        r"\b(?:fuck|screw) (?:you|u|off)\b(?! over)",
        r"\bgo to hell\b",
        r"\bkiss my (?:arse|ass)\b",
        r"\bshut (?:the fuck )?up,? (?:you|bitch|stupid|idiot)",
        (
            r"\b(?:nobody|no ?one) (?:likes|loves|would miss|will (?:ever )?(?:love|miss)|wants|"
            r"cares about) you\b"
        ),
        r"\bi know where (?:you|your \w+|she|he) (?:lives?|works?|goes?)\b",
        r"\bi(?:'m| am|'ve been| have been) (?:watching|following|stalking) (?:you|her)\b",
        (
            r"\bi(?:'ll| will|'m going to|'m gonna) (?:\w+ )?(?:ruin|destroy|humiliate|find|haunt|"
            r"stalk) (?:you|your life|her life|his life)\b(?! (?:a|an|the|some)\b)"
        ),
        r"\b(?:kill yourself|kys|neck yourself|go die)\b",
        (
            r"\b(?:dox|doxx|stalk|bully|humiliate|blackmail)(?:ing)? (?:him|her|them|my|this|that|a girl|"
            r"a boy|someone|somebody)\b(?! back)"
        ),
    ),
    "self_harm": (
        (
            r"\bi (?:\w+ ){0,2}?(?:swallowed|took|have taken|overdosed on) (?:a |the )?(?:whole|entire|"
            r"all|full|too many)\b.{0,30}\b(?:pills?|tablets?|pack|bottle)\b"
        ),
        (
            r"\bjump(?:ing)? (?:in front of|off|from) (?:a|the) (?:train|bridge|roof|"
            r"building)\b(?! (?:in the game|safely))"
        ),
        r"\b(?:fall asleep|go to sleep) and (?:never|not) wake up\b",
        (
            r"\b(?:they|everyone|everybody|you|the world|my \w+)(?:'d| would|'ll|"
            r" will)? (?:all )?be (?:happier|better(?: off)?) (?:if i|without (?:me|you))\b"
        ),
        r"\bi(?:'m| am) (?:just |only )?a burden (?:to|for|on)\b",
        r"\bno way out (?:for me|but|except)\b",
        r"\b(?:my life is over|can'?t go on)\b",
        (
            r"\b(?:cut|cutting|harm|harming|hurt) (?:myself|yourself)\b.{0,40}\b(?:scars?|again|how|"
            r"better|hide|deserve|feel|calm|show)\b"
        ),
        r"\b(?:razor|blade|knife) to my (?:wrist|skin|arm|throat)s?\b",
        r"\b(?:make|making) (?:myself|me) (?:throw up|vomit|puke)\b",
        r"\b(?:deadly|lethal|fatal) (?:dose|amount|for (?:a person|me))\b",
        (
            r"\b(?:i (?:just |really |only |still |also )*(?:want|wish|plan|need|intend|have decided|"
            r"decided|'?m going|am going|'?m gonna|am planning|'?m planning|am about)|i'?m (?:going|gonna|"
            r"planning|about)|i'?ll|i will|thinking (?:about|of)|thoughts (?:about|of)|considering|"
            r"tempted) (?:to |of |about )*(?:killing|kill|hanging|hang|ending|end|drowning|drown|shooting|"
            r"shoot|hurting|hurt|cutting|cut) (?:myself|my (?:own )?life|it all)\b(?! some| a | off)"
        ),
        (
            r"\bi (?:\w+ ){0,2}?(?:want|wish|need|'?d (?:rather|like)|would rather|"
            r"deserve) (?:to )?(?:die|be dead|never wake up)\b(?! of| for| laughing)"
        ),
        r"\bi wish i (?:was|were) (?:dead|never born|not alive)\b",
        (
            r"\bi (?:don'?t|do not|no longer) (?:want to|wanna) (?:live|be alive|exist|wake up|"
            r"be here)(?: any ?more| tomorrow|\b(?=[.,!]|$))"
        ),
        (
            r"\b(?:kill yourself|kys|end your life|slit your wrists|hang yourself|neck yourself|"
            r"drink bleach|go die)\b"
        ),
        r"\byou should (?:\w+ )?end it\b",
        r"\b(?:i (?:am|feel|'m)|i'm|feeling|im) (?:\w+ )?suicidal\b",
        r"\bmy (?:own )?suicide\b",
        r"\b(?:commit|committing|attempt) suicide\b(?=.*\b(?:i|me|my)\b)",
        r"\bsuicide (?:note|method|plan)s?\b(?! in| of)",
        (
            r"\bi(?:'ve| have)? (?:\w+ ){0,3}?(?:cut|cutting|cuts|burn|burned|hurting|hurt|"
            r"starv\w+) (?:myself|my (?:arms?|wrists?|legs?|thighs?))\b(?! (?:on|while|when|with (?:a |"
            r"the )?(?:can|knife in the kitchen))\b)"
        ),
        (
            r"\b(?:better off without me|(?:nobody|no ?one) would miss me|goodbye letter|end my life|"
            r"ending my life|take my own life|no reason to live|nothing to live for)\b"
        ),
        (
            r"\bhow (?:many|much) (?:\w+ ){1,8}?(?:to (?:die|overdose|not wake up|kill myself)|(?:is|"
            r"are) (?:deadly|lethal|fatal))\b"
        ),
        (
            r"\b(?:painless|easiest|quickest|best) way (?:to|of) (?:die|dying|end(?:ing)? (?:it|my life)|"
            r"kill(?:ing)? myself)\b"
        ),
    ),
    "sexual": (
        r"\b(?:feel|want|need|have) you (?:deep )?inside me\b",
        (
            r"\b(?:spank|lick|kiss|touch|grope|undress|bite) (?:me|you|her|him|that|your|her|"
            r"every) (?:\w+ ){0,3}?(?:ass|arse|between|legs|thighs|breasts?|boobs|body|all over|neck|"
            r"naked)\b"
        ),
        r"\bbetween (?:my|your|her) legs\b",
        (
            r"\b(?:your|my|her|his) (?:big |huge |hard )?(?:cock|penis|dick|tits|boobs|naked body|"
            r"pussy)\b(?!.{0,20}\b(?:doctor|pain|hurts|rash|infection|itch\w*)\b)"
        ),
        r"\bwhile i touch myself\b",
        r"\b(?:naughty|sexy|slutty) (?:\w+ )?(?:secretary|nurse|teacher|schoolgirl|maid|slave)\b",
        r"\b(?:sexual|sex) (?:wish|fantas(?:y|ies)|slave|toys? on)\b",
        r"\bporn(?:o|hub)?\b(?! (?:addiction|filter|blocker|to|with my))",
        (
            r"\b(?:send|show|give) (?:me |us )?(?:\w+ ){0,3}?(?:nudes?|naked pic\w*|nude pic\w*|"
            r"naked photos?|nude photos?|tits|boobs|pussy|dick pics?)\b"
        ),
        (
            r"\b(?:suck|lick|ride|stroke|touch|sit on) (?:on )?(?:my|your|his|her|that) (?:\w+ )?(?:dick|"
            r"cock|pussy|clit|balls|penis|face|tits|ass|arse|nipples)\b"
        ),
        (
            r"\b(?:blow ?jobs?|hand ?jobs?|cumshots?|gang ?bang|deepthroat|hardcore porn|dick pics?|"
            r"creampie|milf|hentai|threesome|sexting|sext|dildo|pornstar|camgirl)\b"
        ),
        r"\b(?:cum|cumming|jizz) (?:on|in|inside|for|all over)\b",
        (
            r"\b(?:horny|talk dirty|dirty talk|get me off|jerk(?:ing)? off|masturbat(?:e|ing) (?:to|with|"
            r"for|together|while))\b"
        ),
        (
            r"\b(?:i|we|you|wanna|want to|let'?s|would you|do you want to|can i|to|have|"
            r"having) (?:\w+ )?(?:have sex|fuck|sleep) with (?:you|me|him|her|strangers)\b"
        ),
        r"\bwant(?: to|na) fuck\b",
        r"\bfuck me\b",
        r"\bsomeone to (?:have sex|fuck|sleep) with\b",
        r"\bhave (?:rough |hot |anal |oral )?sex (?:with (?:me|you)|on|in|right now)\b",
        (
            r"\b(?:write|tell|describe|generate|create|roleplay|make)\b.{0,60}\b(?:porn\w*|erotica?|"
            r"sex scene|sexual (?:act|acts|encounter|scene|fantasy)|smut|explicit (?:sex|scene|story)|"
            r"oral sex|naked body|nude picture|have sex|having sex)\b"
        ),
        r"\bmy (?:big |hard |huge |throbbing )?(?:cock|dick)\b",
        r"\b(?:your|her) (?:wet |tight |sweet )?(?:pussy|tits|cunt|clit)\b",
        r"\bmake(?:s)? (?:me|you) (?:so )?(?:wet|hard|cum)\b",
    ),
    "illegal": (
        (
            r"\b(?:rob|burgle|break into|empty|loot) (?:the|a|that|this|some) (?:\w+ )?(?:shop|store|bank|"
            r"house|till|jeweller\w*|warehouse|safe|flat|car)\b"
        ),
        (
            r"\b(?:hide|hiding) (?:\w+ )?(?:income|money|assets|profits) from (?:the )?(?:tax|irs|police|"
            r"customs|court)\b"
        ),
        r"\btricks? (?:old people|customers|people|them|users|someone)\b",
        (
            r"\b(?:fake|forged|counterfeit) (?:passports?|ids?|id cards?|driving licen[cs]es?|money|notes|"
            r"prescriptions?|documents?|diplomas?|shop)\b(?!.{0,30}\b(?:report|recogni[sz]e|spot|detect|"
            r"received|got)\b)"
        ),
        r"\bfake an accident\b",
        (
            r"\b(?:guns?|weapons?|pistols?) without (?:any )?(?:papers|licen[cs]e|background|"
            r"registration)\b"
        ),
        r"\buntraceable\b",
        r"\bfrom the dark ?(?:web|net)\b",
        (
            r"\b(?:someone|somebody|another person|her|his|my \w+)(?:'?s)? (?:social security number|ssn|"
            r"bank login|credit card (?:number|details))\b.{0,40}\b(?:open|buy|use|order|withdraw|loan)\b"
        ),
        r"\bsmuggl(?:e|ing) (?:\w+ ){0,3}?(?:over|across|into|past|through)\b",
        r"\b(?:encrypts?|lock) .{0,40}\bransom\b",
        r"\bgrow (?:weed|marijuana|cannabis)\b.{0,40}\bsell\b",
        (
            r"\b<ask> (?:<make>|get|buy|sell|smuggle|grow|order|find|import) (?:\w+ ){0,4}?(?:meth|"
            r"methamphetamine|cocaine|crack|heroin|fentanyl|lsd|mdma|ecstasy|ghb|counterfeit \w+|"
            r"fake (?:passports?|ids?|notes|money|licen[cs]es?)|stolen \w+|guns? without|untraceable)\b"
        ),
        (
            r"\b(?:where (?:can|do|could) (?:i|we|you) (?:buy|get|find|sell|order)|(?:buy|selling|sell|"
            r"order|for sale:?)) (?:\w+ ){0,3}?(?:cocaine|heroin|meth|fentanyl|ecstasy|mdma|lsd|"
            r"stolen (?:cards?|credit|goods|phones?)|fake (?:passports?|ids?|money|documents?)|"
            r"counterfeit (?:money|notes|bills)|illegal (?:guns?|drugs|weapons))\b"
        ),
        (
            r"\b<ask> (?:hack|break|get|crack) into (?:my |the |a |an |his |her |their |someone'?s? |"
            r"somebody'?s? )?(?:\w+'?s? ){0,3}?(?:account|e?mails?|phone|instagram|facebook|whatsapp|"
            r"computer|wifi|network|bank|server|house|home|flat|car|shop)\b(?! of mine)"
        ),
        (
            r"\b<ask> (?:launder|counterfeit|forge|shoplift|embezzle|smuggle|evade (?:taxes|tax|customs)|"
            r"rob|burgle|bribe|blackmail|scam|defraud|steal|hot-?wire|clone|"
            r"pick ?pocket)\b(?!.{0,40}\b(?:protect|prevent|avoid|detect|report|recogni[sz]e)\b)"
        ),
        (
            r"\b(?:phishing (?:page|mail|e-?mail|site|kit|message)|ransomware|keylogger|malware|trojan|"
            r"botnet|ddos attack)\b"
        ),
        r"\bwithout (?:getting|being) (?:caught|traced|found out)\b",
        r"\bget away with (?:a |the )?(?:murder|robbery|theft|fraud|crime|it without)\b",
        r"\b(?:get|getting) rid of (?:a|the|his|her) (?:dead )?body\b",
        r"\bhide (?:a|the|his|her) (?:dead )?body\b",
        r"\bstolen credit cards?(?: numbers?)? (?:for|to) (?:sale|sell)\b",
    ),
    "injection": (
        (
            r"\b(?:disables?|switch(?:es)? off|turns? off|removes?|lift|drop) (?:all |the |your |"
            r"any )*(?:moderation|safety|filters?|restrictions|censorship|guardrails|content policy)\b"
        ),
        (
            r"\b(?:i am|i'm|this is) your (?:developer|creator|administrator|admin|owner|programmer|"
            r"maker)\b"
        ),
        r"\b(?:uncensored|unfiltered|unrestricted) (?:self|ai|mode|version|answers?)\b",
        r"\bno (?:content policy|guidelines|censorship|safety rules)\b",
        (
            r"\b(?:ai|a\.i\.|llm|language model|chatbot|assistant)s? (?:that |which |who )?(?:reading|"
            r"reads|read|processes|processing|reviewing|sees|summari[sz]ing|analysing) this\b"
        ),
        r"\bwhen you read this\b",
        r"\byou must not follow (?:the|your|any) (?:rules|instructions|guidelines)\b",
        r"\bsend (?:all |the |this )*(?:conversation|chat) (?:history|log)s? to\b",
        r"\bbegin your (?:answer|reply|response) with\b.{0,60}\b(?:prompt|sure|absolutely|yes)\b",
        (
            r"\b(?:text|words|lines?|message|part|everything) (?:above|before this|"
            r"that begins with)\b.{0,50}\byou are\b"
        ),
        (
            r"\b(?:password|secret|key)\b.{0,40}\b(?:told|asked|instructed|ordered|"
            r"supposed) (?:not )?to (?:keep|share|tell|reveal|guard|protect|hide)\b"
        ),
        r"\[(?:assistant|user|system)\]",
        r"\byour (?:system (?:prompt|message)|configuration|hidden (?:prompt|rules))\b",
        (
            r"\b(?:ignore|disregard|forget|override|bypass|neglect|skip|drop|discard|violate|break|"
            r"circumvent|turn off|switch off|disable|do not follow|don'?t follow|"
            r"stop following)\b (?:\w+ ){0,3}?(?:all|any|every|the|your|these|those|previous|prior|above|"
            r"earlier|preceding|system|initial|safety|content|"
            r"original) (?:\w+ ){0,3}?<rules>\b(?! (?:manual|sheet|leaflet|for (?:the|my)))"
        ),
        (
            r"\b(?:ignore|disregard|forget) (?:every ?thing|all|anything|"
            r"what)(?: that)? (?:you (?:\w+ ){1,2}?(?:told|instructed|learned|taught|given|know)|above|"
            r"before this|(?:\w+ )?(?:previously|so far))\b"
        ),
        (
            r"\b(?:reveal|show|print|repeat|output|tell|give|display|write|leak|expose|quote|encode|"
            r"translate|share|read|what (?:is|are|was|were))\b.{0,40}?\b<secret>\b(?! (?:error|on my|"
            r"from (?:the )?(?:support|bank|shop)))"
        ),
        (
            r"\b(?:repeat|print|output|write|show|copy)\b.{0,30}\b(?:everything|all|text|words|lines?|"
            r"sentences?) (?:\w+ ){0,2}?(?:above|before this)\b"
        ),
        (
            r"\b(?:you are now|from now on,? you(?: are|'re| will| must)?|act as|pretend (?:to be|"
            r"that you|you)|roleplay as|simulate|behave (?:as|like)|imagine you)\b.{0,80}\b(?:dan\b|"
            r"no (?:\w+ ){0,2}?(?:rules|restrictions|limits|filters?|guidelines|policy|morals?|ethics)|"
            r"without (?:any )?(?:\w+ )?(?:rules|restrictions|limits|filters?|guidelines|morals?|ethics|"
            r"warnings|censorship)|unrestricted|unfiltered|uncensored|never (?:refuse|say no)s?|"
            r"anything now|evil)"
        ),
        r"\bdo anything now\b",
        r"\bjail ?break(?:s|ing|en)?\b(?! (?:an?|my|the) i?phone)",
        (
            r"\b(?:enter|enable|activate|switch (?:to|on)|you are in|now in) (?:\w+ )?(?:developer|debug|"
            r"god|admin|sudo|dan|unrestricted) mode\b"
        ),
        (
            r"<\|?(?:im_start|im_end|system|endoftext)\|?>|</?system>|\[/?(?:system|inst)\]|<<sys>>|(?:^|"
            r"\n|#+ ?)system(?: ?message| ?prompt)?: |#{2,} ?(?:system|instruction|new instructions?)\b"
        ),
        r"\bnew instructions?(?: for (?:the|you|this) \w+)?:",
        r"\b(?:your|the) (?:real|true|new|actual) instructions? (?:is|are)\b",
        (
            r"\b(?:note|message|instructions?) (?:for|to) (?:the |any |all )?(?:ai|a\.i\.|assistant|"
            r"language model|llm|chatbot|model)s?\b"
        ),
        (
            r"\b(?:reveal|tell me|give me|what(?:'s| is)|say|spell|print)\b.{0,40}\b(?:secret|password|"
            r"key|code|passphrase)\b.{0,40}\b(?:you (?:were|are|have been)|not (?:to|allowed to) (?:share|"
            r"tell|reveal)|your (?:instructions|prompt))\b"
        ),
        r"\b(?:your|the) secret (?:key|password|code|word|instructions?)\b",
    ),
}
