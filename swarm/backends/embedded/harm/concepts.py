"""Words that harm is spoken of with, by concept: the seeds of `meaning.py`. Data only.

Content warning: offensive words, so that texts which use them, or words near them, can be recognised.
"""

from __future__ import annotations

__all__ = ["ABOUT_ONESELF", "CONCEPTS", "GROUPS", "HOSTILE", "SPEAKERS"]

CONCEPTS: dict[str, str] = {
    "kill": "kill murder slaughter stab strangle",
    "weapon": "gun knife bomb rifle weapon",
    "gore": "blood gore corpse dismembered mutilated guts",
    "torture": "torture beat brutal pain tortured",
    "die": "die death dead dying",
    "rape": "rape raped molest assault",
    "terror": "terrorist isis jihad massacre shooting extremist",
    "suicide": "suicide suicidal overdose hanging",
    "cut": "cutting cuts razor scars wrist selfharm",
    "despair": "hopeless worthless depressed empty crying",
    "starving": "anorexia bulimia calories purge starve fasting",
    "sex": "sex fuck fucked sexual horny",
    "organ": "cock dick penis pussy vagina clit",
    "body": "breasts tits nipples ass naked thighs",
    "orgasm": "orgasm moan cum climax aroused",
    "porn": "porn nude xxx erotic fetish",
    "kiss": "lips tongue kiss moaned lick",
    "incest": "stepmom daddy incest stepsister taboo",
    "minor": "teenager underage schoolgirl child young girl",
    "jews": "jews jewish zionist kike",
    "muslims": "muslims islam muslim arab",
    "blacks": "blacks negro nigger african",
    "gays": "gay faggot homosexual lesbian queer",
    "trans": "trans transgender tranny",
    "migrants": "immigrants migrants mexicans foreigners refugees",
    "women": "women female feminists bitches whores",
    "whites": "white race supremacy aryan",
    "disabled": "retard retarded disabled autistic",
    "asians": "chinese asians chink indian",
    "nazi": "hitler nazi holocaust genocide gas",
    "christians": "christians christianity catholic hindu",
    "vermin": "vermin parasites animals rats cockroaches",
    "disgust": "disgusting filthy dirty gross sick",
    "inferior": "inferior stupid subhuman savages primitive",
    "hate": "hate despise loathe",
    "wipe out": "exterminate eradicate deport eliminate",
    "evil": "evil scum monsters enemy",
    "insult": "idiot moron dumb stupid loser pathetic",
    "curse": "fuck shit bitch asshole bastard",
    "threat": "threat threaten revenge kill you watch your back",
    "stalking": "address stalk find where you live",
    "drugs": "cocaine heroin meth drugs",
    "hacking": "hack hacker malware phishing",
    "theft": "steal theft fraud scam forged",
    "crime": "illegal crime murder smuggle",
    "hurt oneself": "cutting self-harm scars bleeding burning myself",
    "eating disorder": "anorexia restrict binge weight bones",
    "escort": "escort massage dating erotic webcam",
    "wounds": "blood flesh bones wounds knife",
    "jokes": "joke funny laugh lol haha",
    "roast": "looks like ugly face hair",
    "fat": "fat obese weight pig whale",
    "conspiracy": "conspiracy globalists banks media control",
    "racism": "racism racist bigotry prejudice discrimination",
    "incel": "incel chad roastie virgin females",
    "abuse": "abuse abused victim trauma assault",
    "bdsm": "bdsm slave master spank dominant",
    # What the text is about otherwise, and how it speaks: company in which the words above mean less, or more.
    "war": "war army soldiers troops invasion",
    "politics": "president government election democrats republicans",
    "news": "reported police said according officials",
    "history": "century war empire history ancient",
    "medicine": "doctor hospital therapy medication diagnosis",
    "help": "help support therapist recover hotline",
    "feelings": "love happy friend family hope",
    "story": "story character chapter novel scene",
    "game": "game player team win match",
    "food": "food eat recipe cook chicken",
    "work": "job company business money work",
    "school": "school teacher student class homework",
    "technology": "computer software code phone internet",
    "dating": "girlfriend boyfriend date marriage wife",
    "animals": "dog cat horse cow bird",
    "religion": "god jesus church bible prayer",
    "negation": "not never no cannot without",
    "crowd": "people society culture nation country",
}

SPEAKERS = {"you": "you your", "i": "i my myself", "they": "he she him her"}

GROUPS = (
    "jews", "muslims", "blacks", "gays", "trans", "migrants", "women", "whites", "disabled", "asians", "christians",
)  # fmt: skip
HOSTILE = ("vermin", "disgust", "inferior", "hate", "wipe out", "evil", "insult", "curse", "kill")
ABOUT_ONESELF = ("suicide", "cut", "despair", "starving", "die", "kill")
