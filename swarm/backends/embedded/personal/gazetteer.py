"""Short lists of words that tell what a name is: countries, peoples, first names, ordinary words. Data only.

Written by hand, far from complete on purpose: `personal.py` goes by shape and context first.
"""

from __future__ import annotations

__all__ = ["COUNTRIES", "FIRST_NAMES", "FUNCTION_WORDS", "OCCUPATIONS", "ORDINARY", "PEOPLES"]

_COUNTRIES = """afghanistan africa alabama alaska albania algeria america amsterdam andorra angola argentina arizona armenia
    asia athens atlanta australia austria azerbaijan bahrain bangladesh barcelona beijing belarus belgium belize
    benin berlin bhutan bolivia bosnia boston botswana brazil britain brunei brussels budapest bulgaria burundi
    cairo california cambodia cameroon canada carolina chad chicago chile china colombia colorado congo
    copenhagen croatia cuba cyprus czechia dallas delhi denmark denver dublin ecuador egypt england eritrea
    estonia ethiopia europe finland florida france gabon gambia geneva georgia germany ghana glasgow greece
    greenland grenada guatemala guinea guyana haiti hamburg hawaii helsinki honduras houston hungary iceland
    idaho illinois india indonesia iowa iran iraq ireland israel istanbul italy jamaica japan jordan kansas
    kazakhstan kentucky kenya kosovo kuwait kyrgyzstan laos latvia lebanon lesotho liberia libya liechtenstein
    lisbon lithuania london louisiana luxembourg madagascar madrid malawi malaysia maldives mali malta
    manchester maryland mauritania mauritius melbourne mexico miami michigan milan minnesota missouri moldova
    monaco mongolia montana montenegro morocco moscow mozambique mumbai munich myanmar namibia nebraska nepal
    netherlands nevada nicaragua niger nigeria norway ohio oklahoma oman oregon oslo pakistan palestine panama
    paraguay paris peru philadelphia philippines poland portugal prague qatar romania rome russia rwanda
    scotland seattle senegal serbia singapore slovakia slovenia somalia spain stockholm sudan suriname sweden
    switzerland sydney syria taiwan tajikistan tanzania tennessee texas thailand togo tokyo toronto tunisia
    turkey turkmenistan uae uganda uk ukraine uruguay usa utah uzbekistan venezuela vienna vietnam virginia
    wales warsaw wisconsin yemen zambia zimbabwe zurich"""
_OF_TWO_WORDS = """burkina faso, costa rica, czech republic, el salvador, hong kong, ivory coast, las vegas, los angeles, new york,
    new zealand, north korea, northern ireland, puerto rico, san francisco, saudi arabia, sierra leone, south
    africa, south korea, sri lanka, united kingdom, united states"""
COUNTRIES = frozenset((*_COUNTRIES.split(), *" ".join(_OF_TWO_WORDS.split()).split(", ")))

_PEOPLES = """afghan african albanian algerian american angolan arab argentine argentinian armenian asian australian
    austrian azerbaijani bahamian bangladeshi barbadian basque belarusian belgian bolivian bosnian brazilian
    british buddhist bulgarian burmese cambodian cameroonian canadian caribbean catalan catholic chechen chilean
    chinese christian colombian congolese croatian cuban cypriot czech danish dominican dutch ecuadorian
    egyptian emirati english eritrean estonian ethiopian european faroese filipino finnish french gabonese
    gambian georgian german ghanaian greek greenlander greenlandic guatemalan haitian hawaiian hindu hispanic
    hmong honduran hungarian icelandic indian indonesian inuit iranian iraqi irish israeli italian ivorian
    jamaican japanese jewish jordanian kazakh kenyan korean kurdish kuwaiti kyrgyz laotian latino latvian
    lebanese liberian libyan lithuanian luxembourgish macedonian malaysian maldivian malian maltese mauritian
    mexican moldovan mongolian moroccan mozambican muslim namibian nepalese nicaraguan nigerian norwegian omani
    pakistani palestinian panamanian paraguayan persian peruvian polish portuguese qatari romanian russian
    rwandan salvadoran saudi scottish senegalese serbian slovak slovenian somali spanish sudanese swedish swiss
    syrian taiwanese tajik tanzanian thai tibetan trinidadian tunisian turkish turkmen ugandan ukrainian
    uruguayan uzbek venezuelan vietnamese welsh yemeni zambian zimbabwean"""
PEOPLES = frozenset(_PEOPLES.split())

_FIRST_NAMES = """adam adrian alan albert alex alexander alice amanda amy ana andrea andrew angela anna anne anthony arthur
    barbara ben benjamin bernd bob brian bruno carl carlos carol caroline catherine charles charlotte chris
    christian christina christine christopher claire claudia dan daniel david deborah diana diego dmitri donald
    dorothy ed edward elena eli elisabeth elizabeth ella emil emily emma eric erik eva felix fiona frank fred
    gary george gina gladys greg hannah hans harry heather helen henry hugo ian igor ingrid ivan jack jacob
    james jan jane janet jason jean jeff jennifer jessica jim joan joe johan john jonas jose joseph josh juan
    julia julian karen karl kate katherine kevin kim kuba kurt lara laura lee leo leon leone linda lisa logan
    louis lucas lucy luis luke maria marie mark marta martin mary matthew max melissa michael michelle miguel
    mike mohammed monica murphy nancy natalie nick nicolas nina olga oliver olivia omar oscar otto pablo pamela
    patricia patrick paul pedro peter philip rachel ralph rebecca richard rita robert rosa ruth ryan sally sam
    samantha samuel sandra sara sarah scott sean sharon simon sofia sophie stefan stephanie stephen steve steven
    susan tanja teresa thomas tim tina tom tony ursula vera victor victoria walter william yusuf"""
FIRST_NAMES = frozenset(_FIRST_NAMES.split())

_FUNCTION_WORDS = """a an and are but can could dear did do does he hello her here hey hi his how i if is it its may my or our
    please she should so that the there these they this those was we were what when where who why will would you
    your"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())

_ORDINARY = """a about above absolutely account actually address after again age ai airport album all also although always
    an and another any anyone anything april are as ask at atm attached august aunt avenue away back bad band
    bank be because been before best big bill block book born boss both bottom bought but by call called can
    cancel card change check cheers church city click come company concert congratulations contact cool copy
    could country create credit currently cv dad date day dear december definitely delete delivery details did
    do does done dr due e-mail each east eastern either email end enter error eur even ever every everyone
    everything example faq father fax february female few film finally find fine first for form found free
    friday from full get give go god good got great had has have he hello help her here hey hi him his hmm hold
    home honestly hope hospital hotel how however html http https i iban id if in info information inside
    instead international into invoice ip is it its january job join july june just keep king know last late
    later least leave let letter like likes list listen live lives lol look looking love made mail make male
    many march married may maybe me meet meeting message minister mobile monday more most mother mr mrs ms much
    mum must my name national need never new next nice night no nobody nope north northern not note nothing
    november now number october of off office oh ok okay old on once one only open or order other our out over
    own page pay payment pdf people perhaps person personal phone pin place please president price prime prince
    princess put queen question read ready real really receipt recently regards reply request right road rock
    royal sadly said same saturday save say school see send sent sentence september service set she ship should
    show since sincerely single sir small so some someone something song soon sorry south southern special ssn
    start state station still stop store street such sunday sure system take tell terms than thank thanks that
    the their them then there these they thing this those though thursday time title to today together tomorrow
    tonight too top total train true try tuesday tv two type under unfortunately university until up update upon
    url us usd use used user usually very visit wait want war was we website wednesday week welcome well were
    west western what when where whether which while who whom whose why will wish with within without work works
    world worst would wow write wrote www yeah yep yes yesterday yet you your zip"""
ORDINARY = frozenset(_ORDINARY.split())

_OCCUPATIONS = """accountant actor actuary administrator adviser advisor agent aide analyst architect artist assembler assistant
    associate attendant attorney auditor baker barber biologist bookkeeper broker builder buyer captain
    carpenter cashier chef chemist cinematographer cleaner clerk coach consultant controller cook coordinator
    counselor curator dentist designer developer director dispatcher doctor driver economist editor electrician
    engineer examiner executive farmer fitter guard guide handler hygienist inspector installer instructor
    interpreter janitor journalist judge laborer lawyer librarian machinist manager mechanic midwife model
    musician nurse officer operator packager painter paralegal pharmacist photographer physician pilot planner
    plumber porter producer professor programmer proofreader psychologist receptionist repairer reporter
    representative researcher scientist secretary seller server singer specialist statistician superintendent
    supervisor surgeon surveyor teacher technician technologist teller tester therapist trainer translator tutor
    waiter waitress welder worker writer"""
OCCUPATIONS = "|".join(_OCCUPATIONS.split())  # of a regular expression
