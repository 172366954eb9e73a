"""The patterns of `rules.py`: data, by category. `<name>` stands for one of `PARTS`.

Content warning: offensive words, so that they can be recognised. A pattern stands for something that is
harmful almost wherever it occurs; what depends on context is left to the trained part and to larger models.
"""

from __future__ import annotations

__all__ = ["PARTS", "PATTERNS"]

PARTS = {
    "person": (
        r"(?:you|u|him|her|them|these people|those people|(?:my|your|his|her|their|the|that|this) (?:\w+ )?(?:wife|husband|"
        r"(?<!the )(?<!final )(?<!last )boss|neighbou?rs?|ex|girlfriend|boyfriend|teacher|brother|sister|mother|father|parents|mum|mom|dad|son|"
        r"daughter|kids?|children|family|roommate|flatmate|colleague|coworker|friend|manager|classmates?|judge|president|mayor|police|cops?)|someone|"
        r"somebody|everyone|everybody|people|a person|a man|a woman|a child)(?!['’]s\b)"
    ),
    "will": (
        r"(?:i(?:'?m| am) (?:going to|gonna|about to)|i(?:'?ll| will| wanna| want to| would love to|'?d love to| swear)|i'm gonna|im gonna|gonna|"
        r"we(?:'?ll| will| should|'re going to)|let'?s|(?:some(?:one|body)|they|we) (?:should|needs? to|must)(?: all)?)"
    ),
    "hurt": (
        r"(?:kill|murder|stab|shoot|strangle|choke|slaughter|behead|torture|rape|lynch|poison|drown|beat up|beat the (?:shit|crap|hell) out of|burn|"
        r"hang(?! (?:out|with|around|on)\b)|gut|bash|mutilate|kidnap|slit|skin)"
    ),
    "group": (
        r"(?:jews?|muslims?|blacks|black (?:people|men|women)|whites|white (?:people|men|women)|arabs?|asians?|africans?|mexicans?|indians?|"
        r"chinese(?: people)?|gyps(?:y|ies)|roma|gays?|gay (?:people|men)|lesbians?|homosexuals?|queers|trans(?:gender)?(?: people| women| men)?|"
        r"transsexuals?|immigrants?|migrants?|refugees?|foreigners?|women|females|disabled(?: people)?|the disabled|christians?|catholics?|hindus?|"
        r"buddhists?|atheists?|latinos?|hispanics?|turks|pakistanis?|americans|germans)"
    ),
    "vile": (
        r"(?:vermin|rats?|cockroach(?:es)?|parasites?|animals|apes|monkeys|dogs|pigs|subhumans?|scum|filth|filthy|disgusting|inferior|stupid|dumb|"
        r"dirty|garbage|trash|rubbish|criminals|thieves|terrorists|rapists|a disease|a plague|a cancer|worthless|evil|sick|freaks|abominations?|"
        r"retard(?:s|ed)|mentally ill|liars|less intelligent|brainwashed|savages|barbarians|useless)"
    ),
    "insult": (
        r"(?:idiots?|morons?|imbeciles?|retards?|losers?|bitch(?:es)?|cunts?|whores?|sluts?|assholes?|arseholes?|dickheads?|dumbass(?:es)?|bastards?|"
        r"scum(?:bag)?|pigs?|piece of (?:shit|trash|garbage|crap)|waste of (?:space|oxygen)|fuckers?|motherfuckers?|wankers?|twats?|worthless|"
        r"pathetic|disgusting|brainless|ugly|freaks?|vermin|dumb|(?:fat|stupid|dumb|ugly) cow)"
    ),
    "make": (r"(?:make|build|cook|brew|synthesi[sz]e|produce|create|assemble|construct)"),
    "ask": (
        r"(?:how (?:do|can|could|would|to|should)(?: (?:i|we|you|one|someone))?|teach me (?:how )?to|tell me (?:how|the best way) to|show me how to|"
        r"explain how (?:to|i can)|help me(?: to)?|(?:best|easiest|quickest|safest) way to|ways to|instructions (?:for|to|on)|guide (?:to|for)|"
        r"steps to|i (?:want|need|would like) to|i'?d like to)(?: \w+){0,2}?"
    ),
    "rules": (
        r"(?:instructions?|rules|guidelines|directions|directives|prompts?|programming|training|polic(?:y|ies)|restrictions|constraints)"
    ),
    "secret": (
        r"(?:(?:system|developer|hidden|secret|initial|pre|base) ?-?prompts?|(?:system|hidden|secret|initial|original|internal) (?:instructions?|"
        r"rules|guidelines)|your (?:system message|first message|prompt|base instructions))"
    ),
}

PATTERNS: dict[str, tuple[str, ...]] = {
    "violence": (
        (
            r"\b(?:i'm|i am|im|we're|we are|i(?:'?ll| will)(?: be)?) (?:\w+ )?(?:come|coming|wait|waiting|standing|going) (?:\w+ ){0,6}?with (?:a|my|"
            r"the) (?:gun|knife|rifle|bat|axe|machete|shotgun|hammer|pistol)\b"
        ),
        (
            r"\b(?:burn|blow|bomb|set) (?:your|his|her|their|the|that|this) (?:house|home|car|office|school|church|shop|flat|shelter|mosque|synagogue|"
            r"building|place) (?:down|up|on fire)\b"
        ),
        r"\b(?:slit|cut) (?:your|his|her|their|my \w+'s?) throats?\b",
        r"\b(?:break|smash|crush) (?:every|all|each) (?:\w+ ){0,2}?bones?\b",
        r"\bacid in (?:your|his|her|their|the) face\b",
        r"\b(?:take|bring)\w* (?:\w+ ){0,3}?(?:gun|rifle|knife|bomb|pistol|shotgun)s? to (?:the |my )?(?:school|work|office|church|class)\b",
        (
            r"\b(?:run|mow) (?:over|down) (?:those|these|the|some|them|him|her|you)\b.{0,30}\b(?:people|cyclists?|pedestrians?|protesters?|no joke|for fun|"
            r"tomorrow)\b"
        ),
        r"\bshould (?:all )?be (?:\w+ )?(?:shot|killed|hanged|lynched|stabbed|beaten|raped|tortured|beheaded)\b",
        (
            r"\b(?:torture|hurt|kill|poison|drown) (?:a |an |my |the |some |his |her |(?:my |the |a )?neighbou?r'?s )(?:cats?|dogs?|puppy|puppies|kittens?|"
            r"animals?|pets?|horses?)\b"
        ),
        (
            r"\b<will> (?:\w+ ){0,6}?<hurt> (?:\w+ )?<person>\b(?! (?:up|an? (?:message|e-?mail|mail|text|line|question|note|quick)|some|with kindness|"
            r"softly)\b)"
        ),
        r"\b<ask> (?:kill|murder|stab|strangle|poison|torture|kidnap|behead|rape|hurt|drown) <person>\b(?! (?:feelings|up)\b)",
        r"\b<ask> <make> (?:an? |some |my )?(?:\w+ ){0,2}?(?:bombs?|explosives?|molotov|grenades?|ied|nerve gas|poison gas|landmines?)\b",
        r"\b(?:instructions|recipe|plans?|guide|tutorial) (?:for|to) (?:\w+ ){0,3}?(?:bombs?|explosives?|molotov)\b",
        (
            r"\bi(?:'?ll| will|'?m going to|'?m gonna| am going to) (?:\w+ ){0,2}?(?:break|smash|slit|cut|rip) (?:your|his|her|their) (?:\w+ )?(?:neck|"
            r"legs?|jaw|bones?|face|fingers?|throat|head|skull|teeth|kneecaps|heart)\b"
        ),
        (
            r"\b(?:shoot up|blow up|bomb|burn down) (?:the|a|my|your|this|that|their) (?:\w+ )?(?:school|office|church|mosque|synagogue|house|home|hospital|"
            r"station|embassy|airport|shelter|club)\b"
        ),
        (
            r"\b(?:hope|wish) (?:you|he|she|they|somebody|someone|all of (?:you|them)) (?:\w+ )?(?:dies?|gets? (?:shot|killed|raped|stabbed)|shoots? you|"
            r"burns?|rots?)\b"
        ),
        r"\b(?:kill|shoot|hang|burn|exterminate|slaughter|gas) (?:them|those \w+|these \w+|every (?:last )?one of them) all\b",
        r"\bkill (?:them|'em) all\b",
        r"\byou(?:'re| are| will be|'ll be) (?:a )?dead (?:man|woman|meat|before)\b",
        r"\byou(?:'ll| will) (?:die|bleed|pay with your (?:life|blood))\b(?! of (?:laugh|bored))",
        r"\b(?:put|have) a bullet (?:in|into|through) (?:\w+ )?(?:head|brain|skull|him|her|you|them|judge|heart)\b",
        r"\bbeat (?:you|him|her|them|that \w+|this \w+) (?:up|to death|to a pulp|senseless|unconscious|until (?:you|he|she|they))\b",
        r"\b(?:deserves?|needs?) to (?:be (?:\w+ )?(?:shot|killed|hanged|lynched|stabbed|beaten|raped|tortured)|die|bleed)\b(?! (?:out|down|off)\b)",
    ),
    "hate": (
        r"\b(?:send|ship|throw|kick|drive|chase|get) (?:all |the |these |those |every |back |out |filthy |dirty )*<group> (?:back|out|away|home)\b",
        r"\b(?:deport|ban|burn|hang|shoot|sterili[sz]e) (?:them|'em) all\b",
        r"\bbreed(?:ing)? like (?:rats|rabbits|animals)\b",
        r"\b(?:keep|make) (?:\w+ ){1,3}white\b(?=.*\b(?:foreigners?|immigrants?|town|country|race|pure)\b)",
        (
            r"\b(?:women|females|girls|wives) (?:belong in the kitchen|should (?:never|not) (?:be allowed to )?(?:vote|lead|work|drive|speak)|"
            r"are (?:only )?(?:good for|property|objects|too (?:dumb|stupid|emotional)))\b"
        ),
        r"\bno <group> (?:\w+ ){0,3}?(?:honest|decent|clean|human|welcome|allowed)\b",
        r"\bif you(?:'re| are) (?:a |an )?<group>\b.{0,30}\b(?:deserve|burn|hell|die)\b",
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
            r"\b(?:all |every (?:single )?|these |those |most )?<group> (?:are|is) (?:all |just |nothing but |nothing more than |a bunch of |an? |such |"
            r"basically |complete |fucking |so |born |really |like |the |too |far |much )*<vile>\b"
        ),
        r"\b(?:i|we) (?:\w+ ){0,2}?(?:hate|despise|loathe|detest|can'?t stand) (?:all |the |these |those |every |you |fucking )*<group>\b",
        (
            r"\b(?:kill|gas|deport|exterminate|get rid of|lynch|hang|burn|shoot|ban|wipe out|eradicate|lock up|sterili[sz]e) (?:all |every |the |these |"
            r"those |any )+<group>\b"
        ),
        (
            r"\b<group> (?:should|must|need to|have to|deserve to|ought to) (?:all )?(?:be (?:\w+ )?(?:shot|killed|deported|hanged|burned|gassed|"
            r"exterminated|wiped out|banned|locked|sterili[sz]ed|put down|driven|eliminated)|die|burn|suffer|not exist|disappear|never be allowed)\b"
        ),
        r"\b(?:filthy|dirty|stinking|disgusting|damn|fucking|bloody) <group>\b",
        r"\b(?:master race|white power|heil hitler|sieg heil|gas the|race war|subhumans?|untermensch)\b",
        r"\bwhy (?:are )?(?:all )?<group> (?:are )?(?:so )?(?:inferior|stupid|dumb|disgusting|dirty|evil|stupider|less intelligent)\b",
        r"\bit'?s in their (?:blood|genes)\b",
        r"\b(?:don'?t (?:serve|want|need)|go back|get out|no room for|sick of) .{0,20}\byour kind\b(?! (?:words?|reply|help|support|of))",
        (
            r"\b(?:jews|muslims|gays|immigrants|foreigners|blacks) (?:secretly )?(?:control|run|own) (?:the (?:banks?|media|world|country|government|press)|"
            r"everything|us)\b"
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
            r"\b(?:write|make up|spread|send|post|create|come up with)\b.{0,40}\b(?:insults?|nasty|cruel|hateful|humiliating|mean|a rumou?r|"
            r"rumou?rs)\b.{0,40}\b(?:about|that|to|for)\b(?=.*\b(?:my|her|his|him|she|he|from my|girl|boy|ex)\b)"
        ),
        r"\b(?:followed|watching|watched|filmed|photographed) (?:you|her) (?:\w+ ){0,3}?(?:home|through|every|sleep|undress|shower)\w*\b",
        r"\byou (?:can'?t|cannot|won'?t) (?:hide|get away|escape) from me\b",
        r"\bmake your life (?:\w+ )?hell\b",
        r"\bfind out (?:the|her|his) (?:home )?address\b.{0,60}\b(?:scare|visit|harass|teach|hurt)\b",
        (
            r"\b(?:you|u|ur|you're|youre|you are) (?:are |re )?(?:all |just |really |such |nothing but |an? |the |absolute(?:ly)? |complete |total |"
            r"fucking |bloody |stupid |dumb |fat |ugly |worthless |pathetic |useless |disgusting |little |so |damn |goddamn |miserable |"
            r"old )*<insult>\b(?! (?:question|idea|thing|page|website|app|mistake|price|bag|bugs?))"
        ),
        r"\b(?:fuck|screw) (?:you|u|off)\b(?! over)",
        r"\bgo to hell\b",
        r"\bkiss my (?:arse|ass)\b",
        r"\bshut (?:the fuck )?up,? (?:you|bitch|stupid|idiot)",
        r"\b(?:nobody|no ?one) (?:likes|loves|would miss|will (?:ever )?(?:love|miss)|wants|cares about) you\b",
        r"\bi know where (?:you|your \w+|she|he) (?:lives?|works?|goes?)\b",
        r"\bi(?:'m| am|'ve been| have been) (?:watching|following|stalking) (?:you|her)\b",
        (
            r"\bi(?:'ll| will|'m going to|'m gonna) (?:\w+ )?(?:ruin|destroy|humiliate|find|haunt|stalk) (?:you|your life|her life|his life)\b(?! (?:a|an|"
            r"the|some)\b)"
        ),
        r"\b(?:kill yourself|kys|neck yourself|go die)\b",
        r"\b(?:dox|doxx|stalk|bully|humiliate|blackmail)(?:ing)? (?:him|her|them|my|this|that|a girl|a boy|someone|somebody)\b(?! back)",
    ),
    "self_harm": (
        (
            r"\bi (?:\w+ ){0,2}?(?:swallowed|took|have taken|overdosed on) (?:a |the )?(?:whole|entire|all|full|too many)\b.{0,30}\b(?:pills?|tablets?|pack|"
            r"bottle)\b"
        ),
        r"\bjump(?:ing)? (?:in front of|off|from) (?:a|the) (?:train|bridge|roof|building)\b(?! (?:in the game|safely))",
        r"\b(?:fall asleep|go to sleep) and (?:never|not) wake up\b",
        (
            r"\b(?:they|everyone|everybody|you|the world|my \w+)(?:'d| would|'ll| will)? (?:all )?be (?:happier|better(?: off)?) (?:if i|without (?:me|"
            r"you))\b"
        ),
        r"\bi(?:'m| am) (?:just |only )?a burden (?:to|for|on)\b",
        r"\bno way out (?:for me|but|except)\b",
        r"\b(?:cut|cutting|harm|harming|hurt) (?:myself|yourself)\b.{0,40}\b(?:scars?|again|how|better|hide|deserve|feel|calm|show)\b",
        r"\b(?:razor|blade|knife) to my (?:wrist|skin|arm|throat)s?\b",
        r"\b(?:make|making) (?:myself|me) (?:throw up|vomit|puke)\b",
        r"\b(?:deadly|lethal|fatal) (?:dose|amount|for (?:a person|me))\b",
        (
            r"\b(?:i (?:just |really |only |still |also )*(?:want|wish|plan|need|intend|have decided|decided|'?m going|am going|'?m gonna|am planning|"
            r"'?m planning|am about)|i'?m (?:going|gonna|planning|about)|i'?ll|i will|thinking (?:about|of)|thoughts (?:about|of)|considering|"
            r"tempted) (?:to |of |about )*(?:killing|kill|hanging|hang|ending|end|drowning|drown|shooting|shoot|hurting|hurt|cutting|cut) (?:myself|"
            r"my (?:own )?life|it all)\b(?! some| a | off)"
        ),
        r"\bi (?:\w+ ){0,2}?(?:want|wish|need|'?d (?:rather|like)|would rather|deserve) (?:to )?(?:die|be dead|never wake up)\b(?! of| for| laughing)",
        r"\bi wish i (?:was|were) (?:dead|never born|not alive)\b",
        r"\bi (?:don'?t|do not|no longer) (?:want to|wanna) (?:live|be alive|exist|wake up|be here)(?: any ?more| tomorrow|\b(?=[.,!]|$))",
        r"\b(?:kill yourself|kys|end your life|slit your wrists|hang yourself|neck yourself|drink bleach|go die)\b",
        r"\byou should (?:\w+ )?end it\b",
        r"\b(?:i (?:am|feel|'m)|i'm|feeling|im) (?:\w+ )?suicidal\b",
        r"\bmy (?:own )?suicide\b",
        r"\b(?:commit|committing|attempt) suicide\b(?=.*\b(?:i|me|my)\b)",
        r"\bsuicide (?:note|method|plan)s?\b(?! in| of)",
        (
            r"\b(?:better off without me|(?:nobody|no ?one) would miss me|goodbye letter|end my life|ending my life|take my own life|no reason to live|"
            r"nothing to live for)\b"
        ),
        r"\bhow (?:many|much) (?:\w+ ){1,8}?(?:to (?:die|overdose|not wake up|kill myself)|(?:is|are) (?:deadly|lethal|fatal))\b",
        r"\b(?:painless|easiest|quickest|best) way (?:to|of) (?:die|dying|end(?:ing)? (?:it|my life)|kill(?:ing)? myself)\b",
        r"\b(?:my life is over|can'?t go on (?:any ?more|like this|living|with (?:this|my) life)|i (?:just )?can'?t go on(?=[.,!]|$))",
        r"\bi(?:'ve)? (?:\w+ ){0,3}?(?:cut|cutting|burn|harm|harming|hurting|starve|starving) myself\b(?! (?:on|while|when|with|at|in|off|out|some)\b)",
    ),
    "sexual": (
        r"\b(?:feel|want|need|have) you (?:deep )?inside me\b",
        (
            r"\b(?:spank|lick|kiss|touch|grope|undress|bite) (?:me|you|her|him|that|your|her|every) (?:\w+ ){0,3}?(?:ass|arse|between|legs|thighs|breasts?|"
            r"boobs|body|all over|neck|naked)\b"
        ),
        r"\bbetween (?:my|your|her) legs\b",
        (
            r"\b(?:your|my|her|his) (?:big |huge |hard )?(?:cock|penis|dick|tits|boobs|naked body|pussy)\b(?!.{0,20}\b(?:doctor|pain|hurts|rash|infection|"
            r"itch\w*)\b)"
        ),
        r"\bwhile i touch myself\b",
        r"\b(?:naughty|sexy|slutty) (?:\w+ )?(?:secretary|nurse|teacher|schoolgirl|maid|slave)\b",
        r"\b(?:sexual|sex) (?:wish|fantas(?:y|ies)|slave|toys? on)\b",
        r"\b(?:send|show|give) (?:me |us )?(?:\w+ ){0,3}?(?:nudes?|naked pic\w*|nude pic\w*|naked photos?|nude photos?|tits|boobs|pussy|dick pics?)\b",
        (
            r"\b(?:suck|lick|ride|stroke|touch|sit on) (?:on )?(?:my|your|his|her|that) (?:\w+ )?(?:dick|cock|pussy|clit|balls|penis|face|tits|ass|arse|"
            r"nipples)\b"
        ),
        (
            r"\b(?:blow ?jobs?|hand ?jobs?|cumshots?|gang ?bang|deepthroat|hardcore porn|dick pics?|creampie|milf|hentai|threesome|sexting|sext|dildo|"
            r"pornstar|camgirl)\b"
        ),
        r"\b(?:cum|cumming|jizz) (?:on|in|inside|for|all over)\b",
        r"\b(?:horny|talk dirty|dirty talk|get me off|jerk(?:ing)? off|masturbat(?:e|ing) (?:to|with|for|together|while))\b",
        (
            r"\b(?:i|we|you|wanna|want to|let'?s|would you|do you want to|can i|to|have|having) (?:\w+ )?(?:have sex|fuck|sleep) with (?:you|me|him|her|"
            r"strangers)\b"
        ),
        r"\bwant(?: to|na) fuck\b",
        r"\bfuck me\b",
        r"\bsomeone to (?:have sex|fuck|sleep) with\b",
        r"\bhave (?:rough |hot |anal |oral )?sex (?:with (?:me|you)|on|in|right now)\b",
        (
            r"\b(?:write|tell|describe|generate|create|roleplay|make)\b.{0,60}\b(?:porn\w*|erotica?|sex scene|sexual (?:act|acts|encounter|scene|fantasy)|"
            r"smut|explicit (?:sex|scene|story)|oral sex|naked body|nude picture|have sex|having sex)\b"
        ),
        r"\bmy (?:big |hard |huge |throbbing )?(?:cock|dick)\b",
        r"\b(?:your|her) (?:wet |tight |sweet )?(?:pussy|tits|cunt|clit)\b",
        r"\bmake(?:s)? (?:me|you) (?:so )?(?:wet|hard|cum)\b",
        r"\bporn(?:o|hub)? (?:sites?|videos?|stor(?:y|ies)|movies?|pics|pictures|clips)\b",
    ),
    "illegal": (
        r"\b(?:rob|burgle|break into|empty|loot) (?:the|a|that|this|some) (?:\w+ )?(?:shop|store|bank|house|till|jeweller\w*|warehouse|safe|flat|car)\b",
        r"\b(?:hide|hiding) (?:\w+ )?(?:income|money|assets|profits) from (?:the )?(?:tax|irs|police|customs|court)\b",
        r"\btricks? (?:old people|customers|people|them|users|someone)\b",
        r"\bfake an accident\b",
        r"\b(?:guns?|weapons?|pistols?) without (?:any )?(?:papers|licen[cs]e|background|registration)\b",
        r"\buntraceable\b",
        (
            r"\b(?:someone|somebody|another person|her|his|my \w+)(?:'?s)? (?:social security number|ssn|bank login|credit card (?:number|"
            r"details))\b.{0,40}\b(?:open|buy|use|order|withdraw|loan)\b"
        ),
        r"\bsmuggl(?:e|ing) (?:\w+ ){0,3}?(?:over|across|into|past|through)\b",
        r"\b(?:encrypts?|lock) .{0,40}\bransom\b",
        r"\bgrow (?:weed|marijuana|cannabis)\b.{0,40}\bsell\b",
        (
            r"\b(?:where (?:can|do|could) (?:i|we|you) (?:buy|get|find|sell|order)|(?:buy|selling|sell|order|for sale:?)) (?:\w+ ){0,3}?(?:cocaine|heroin|"
            r"meth|fentanyl|ecstasy|mdma|lsd|stolen (?:cards?|credit|goods|phones?)|fake (?:passports?|ids?|money|documents?)|counterfeit (?:money|notes|"
            r"bills)|illegal (?:guns?|drugs|weapons))\b"
        ),
        r"\bwithout (?:getting|being) (?:caught|traced|found out)\b",
        r"\bget away with (?:a |the )?(?:murder|robbery|theft|fraud|crime|it without)\b",
        r"\b(?:get|getting) rid of (?:a|the|his|her) (?:dead )?body\b",
        r"\bhide (?:a|the|his|her) (?:dead )?body\b",
        r"\bstolen credit cards?(?: numbers?)? (?:for|to) (?:sale|sell)\b",
        (
            r"\b(?:need|get|buy|make|sell|selling|order|print|want) (?:\w+ ){0,4}?(?:fake|forged|counterfeit) (?:\w+ )?(?:passports?|ids?|id cards?|"
            r"driving licen[cs]es?|money|notes|bills|prescriptions?|documents?|diplomas?)\b(?!.{0,40}\b(?:detect|received|got|from)\b)"
        ),
        r"\b(?:get|buy|order|purchase) .{0,40}\b(?:from|on) the dark ?(?:web|net)\b",
        (
            r"\b(?:write|create|make|build|code|develop|give me|set up|spread|deploy)\b(?:(?!protect|detect|remove|against|awareness|"
            r"training).){0,40}\b(?:phishing (?:page|mail|e-?mail|site|kit|message)|ransomware|keylogger|malware|trojan|botnet|ddos attack|"
            r"computer virus)\b(?! (?:scan|filter|protect|detect|aware|policy))"
        ),
        (
            r"\b<ask> (?:launder|counterfeit|shoplift|embezzle|smuggle|hot-?wire|pick ?pocket|evade (?:taxes|tax|customs)|(?:rob|burgle|bribe|blackmail|"
            r"scam|defraud) (?:a|an|the|my|his|her|some|people|someone|him|them|old|customers)|steal (?!the show))\b(?!.{0,40}\b(?:protect|prevent|avoid|"
            r"detect|report|recogni[sz]e)\b)"
        ),
        r"\bforge (?:\w+'?s? ){1,3}(?:signature|documents?|prescription|certificate|passport|id|letter)s?\b",
        r"\bclone (?:\w+'?s? ){0,2}(?:bank|credit|debit) cards?\b",
        (
            r"\b<ask> (?:hack|break|crack) into (?:the |a |an |his |her |their |someone'?s? |somebody'?s? )?(?:\w+'?s? ){0,3}?(?:accounts?|e?mails?|phone|"
            r"instagram|facebook|whatsapp|computer|wifi|network|bank|server|house|home|flat|car|shop)\b"
        ),
        (
            r"\b<ask> (?:get|log) into (?!my |the |our )(?:\w+ )?(?:\w+'s|his|her|their) (?:\w+ )?(?:accounts?|e?mails?|phone|instagram|facebook|whatsapp|"
            r"computer)\b"
        ),
        (
            r"\b<ask> (?:<make>|get|buy|sell|smuggle|grow|order|find|import) (?:\w+ ){0,4}?(?:meth|methamphetamine|cocaine|heroin|fentanyl|lsd|mdma|ecstasy|"
            r"ghb|fake (?:passports?|ids?|notes|money|licen[cs]es?)|guns? without|untraceable)\b"
        ),
    ),
    "injection": (
        r"\b(?:what(?:'s| is| was)|tell me|reveal|say|spell|give me|print|write|repeat|output|share|leak)\b.{0,30}\b(?:secret (?:key|word|code|phrase|password)|hidden word|passphrase|your (?:password|secret))\b(?! (?:policy|manager|reset))",
        r"\b(?:secret|prompt|instructions|password|passphrase)\b.{0,60}\b(?:base64|rot13|morse|backwards|reversed|letter by letter|pig latin)\b",
        r"\b(?:system|admin|safety|security) override\b|\boverride (?:code|mode|protocol)\b|\b(?:your|a) new (?:role|instructions|rules|system prompt|persona) (?:is|are)\b|\bnew task for (?:you|the (?:ai|model|assistant))\b",
        r"\bi(?:'m| am) (?:the|an?|your) (?:\w+ )?(?:admin|administrator|developer|owner|engineer)\b.{0,60}\b(?:reveal|grant|override|bypass|disable|show me|give me)\b",
        (
            r"\b(?:disables?|switch(?:es)? off|turns? off|removes?|lift|drop) (?:all |the |your |any )*(?:moderation|safety|filters?|restrictions|"
            r"censorship|guardrails|content policy)\b"
        ),
        r"\b(?:i am|i'm|this is) your (?:developer|creator|administrator|admin|owner|programmer|maker)\b",
        r"\b(?:uncensored|unfiltered|unrestricted) (?:self|ai|mode|version|answers?)\b",
        r"\bno (?:content policy|guidelines|censorship|safety rules)\b",
        (
            r"\b(?:ai|a\.i\.|llm|language model|chatbot|assistant)s? (?:that |which |who )?(?:reading|reads|read|processes|processing|reviewing|sees|"
            r"summari[sz]ing|analysing) this\b"
        ),
        r"\bwhen you read this\b",
        r"\byou must not follow (?:the|your|any) (?:rules|instructions|guidelines)\b",
        r"\bbegin your (?:answer|reply|response) with\b.{0,60}\b(?:prompt|sure|absolutely|yes)\b",
        r"\b(?:text|words|lines?|message|part|everything) (?:above|before this|that begins with)\b.{0,50}\byou are\b",
        r"\b(?:password|secret|key)\b.{0,40}\b(?:told|asked|instructed|ordered|supposed) (?:not )?to (?:keep|share|tell|reveal|guard|protect|hide)\b",
        r"\[(?:assistant|user|system)\]",
        (
            r"\b(?:ignore|disregard|forget) (?:every ?thing|all|anything|what)(?: that)? (?:you (?:\w+ ){1,2}?(?:told|instructed|learned|taught|given|know)|"
            r"above|before this|(?:\w+ )?(?:previously|so far))\b"
        ),
        r"\b(?:repeat|print|output|write|show|copy)\b.{0,30}\b(?:everything|all|text|words|lines?|sentences?) (?:\w+ ){0,2}?(?:above|before this)\b",
        (
            r"\b(?:you are now|from now on,? you(?: are|'re| will| must)?|act as|pretend (?:to be|that you|you)|roleplay as|simulate|behave (?:as|like)|"
            r"imagine you)\b.{0,80}\b(?:dan\b|no (?:\w+ ){0,2}?(?:rules|restrictions|limits|filters?|guidelines|policy|morals?|ethics)|"
            r"without (?:any )?(?:\w+ )?(?:rules|restrictions|limits|filters?|guidelines|morals?|ethics|warnings|censorship)|unrestricted|unfiltered|"
            r"uncensored|never (?:refuse|say no)s?|anything now|evil)"
        ),
        r"\bdo anything now\b",
        r"\bjail ?break(?:s|ing|en)?\b(?! (?:an?|my|the) i?phone)",
        r"\b(?:enter|enable|activate|switch (?:to|on)|you are in|now in) (?:\w+ )?(?:developer|debug|god|admin|sudo|dan|unrestricted) mode\b",
        (
            r"<\|?(?:im_start|im_end|system|endoftext)\|?>|</?system>|\[/?(?:system|inst)\]|<<sys>>|(?:^|\n|#+ ?)system(?: ?message| ?prompt)?: |"
            r"#{2,} ?(?:system|instruction|new instructions?)\b"
        ),
        r"\bnew instructions?(?: for (?:the|you|this) \w+)?:",
        r"\b(?:your|the) (?:real|true|new|actual) instructions? (?:is|are)\b",
        r"\b(?:note|message|instructions?) (?:for|to) (?:the |any |all )?(?:ai|a\.i\.|assistant|language model|llm|chatbot|model)s?\b",
        r"\b(?:your|the) secret (?:key|password|code|word|instructions?)\b",
        (
            r"\b(?:ignore|ignoring|disregard|disregarding|forget|override|bypass|violate|circumvent|stop following|(?:do not|"
            r"don'?t) follow) (?:\w+ ){0,2}?(?:all|any|your|previous|prior|above|earlier|preceding|system|initial|these|original|"
            r"safety) (?:\w+ ){0,3}?<rules>\b(?! (?:manual|sheet|leaflet|(?:for|about|on|from) (?:the|my|our)))"
        ),
        (
            r"\b(?:ignore|disregard|forget|override|bypass) (?:all |every )?(?:the )?(?:rules|instructions|guidelines|directions|"
            r"restrictions)(?: (?:that )?you|(?: above| given| so far)?(?:[.,!;]| and\b|$))"
        ),
        (
            r"\b(?:disable|turn off|switch off|remove|lift|drop) (?:all |any )?(?:of )?(?:your|the (?:safety|moderation|content)) (?:\w+ ){0,2}?(?:filters?|"
            r"rules|guidelines|restrictions|moderation|limits|policy)\b"
        ),
        (
            r"\b(?:reveal|show|print|repeat|output|tell|give|display|write|leak|expose|quote|encode|translate|share|read|what (?:is|are|was|were|"
            r"'s))\b.{0,40}?\b<secret>\b(?! (?:error|from))"
        ),
        (
            r"\b(?:reveal|tell me|give me|what(?:'s| is)|say|spell|print)\b.{0,40}\b(?:secret|password|key|code|passphrase)\b.{0,30}\b(?:you were (?:told|"
            r"given|asked)|not (?:supposed |allowed )?to (?:share|tell|reveal))\b"
        ),
    ),
}
