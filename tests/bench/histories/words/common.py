"""Names, places and things for every style."""

from __future__ import annotations

PEOPLE = """Aisha Akira Alba Amara Anders Anouk Arjun Beatriz Bogdan Camille Chidi Clara Daichi Dalia Demir
Edda Elif Emeka Esther Farid Fatou Fergus Freya Gaspard Greta Hana Hassan Hedda Idris Ilse Imani Ines Ivo Jamal
Jarek Jonas Juana Kaito Karim Katya Kofi Lars Leila Linus Lucia Malik Marek Marta Mateo Mina Nadia Ngozi Nils
Noor Olga Omar Oskar Paloma Pavel Petra Priya Quentin Rafael Rania Rosa Rufus Samira Sanjay Selma Sigrid Soren
Tamar Tariq Thea Tomas Ulla Viktor Wanda Xavier Yara Yusuf Zeynep Zora""".split()

CITIES = """Aarhus Accra Antwerp Bari Basel Belfast Bergen Bilbao Bologna Brno Cadiz Cardiff Cork Cusco
Dresden Dundee Gdansk Geneva Ghent Girona Graz Hanoi Innsbruck Kampala Kyoto Leeds Leipzig Lima Linz Lisbon Lyon
Malmo Maribor Montevideo Nantes Osaka Oviedo Palermo Plovdiv Porto Quito Riga Rouen Salta Seville Split Tallinn
Tampere Tbilisi Trieste Turin Turku Utrecht Valletta Varna Vigo Vilnius Wellington Zagreb""".split()

STREETS = """Acacia Baker Bishop Canal Castle Chapel Cherry Clover Dock Elm Ferry Forge Foundry Garden Harbour
Hazel Hill Juniper King's Larch Linden Lock Mill Mint Oak Orchard Poplar Quarry Rope Saddler Station Tanner
Temple Tower Walnut Weaver Willow""".split()

OBJECTS = """accordion|alarm clock|ashtray|backpack|barometer|birdcage|blanket|bookend|bread knife|briefcase|
camera lens|candlestick|cast-iron pan|chessboard|clarinet case|coat rack|colander|compass|curtain rod|cushion|
deckchair|doorbell|drawing table|egg timer|fan heater|fishing rod|flute|folding chair|fountain pen|globe|
hammock|hand mixer|hat box|ice skate|jewellery box|kettle|kite|ladder|lampshade|letter opener|magnifying glass|
mandolin|metal detector|microscope|mirror|music stand|nutcracker|oil lamp|padlock|paint roller|paper shredder|
parasol|pepper mill|picnic basket|pocket watch|projector|puppet|quilt|record player|rocking chair|rolling pin|
rug|saddlebag|sewing machine|shoehorn|sleeping bag|snow shovel|spirit level|suitcase|sundial|telescope|
tent pole|thermos|toolbox|tripod|typewriter|umbrella stand|vase|violin bow|wall calendar|walking stick|
watering can|weather vane|wheelbarrow|wind chime|wok"""

FOODS = """apricot jam|artichokes|baklava|beetroot soup|black pudding|bouillabaisse|bread dumplings|
cardamom buns|ceviche|cheese fondue|chestnuts|chickpea stew|chutney|cinnamon rolls|clam chowder|couscous|
crab cakes|custard tarts|dim sum|fig cake|fish pie|gazpacho|ginger biscuits|gnocchi|goulash|halloumi|hot pot|
injera|jackfruit curry|kimchi|lamb tagine|laksa|lemon curd|marzipan|meatballs|miso aubergine|moussaka|
mushroom risotto|nettle soup|okra|onion tart|paella|pancakes|pierogi|pickled herring|plum cake|polenta|
pumpkin pie|quince jelly|ramen|ratatouille|rhubarb crumble|saffron rice|samosas|sauerkraut|shakshuka|
spinach pie|stuffed peppers|tamales|tempeh|tiramisu|trout|walnut bread|waffles"""

ANIMALS = """badger|bat|beaver|buzzard|cormorant|crane|deer|dormouse|falcon|ferret|fox|frog|goat|goose|hare|
hedgehog|heron|horse|jackdaw|kingfisher|lizard|magpie|mole|newt|otter|owl|parrot|peacock|pheasant|pony|rabbit|
raven|seal|snail|snake|sparrow|spider|squirrel|starling|stork|swan|toad|tortoise|weasel|woodpecker"""

_COLOURS = (
    "amber beige bronze crimson emerald grey indigo ivory lilac mauve navy ochre olive orange purple red teal white"
)
_RELATIVES = (
    "aunt|brother|cousin|father-in-law|godmother|grandfather|grandmother|nephew|niece|sister|sister-in-law|uncle"
)
_NEIGHBOURS = (
    "|the landlord|a neighbour|an old colleague|my former boss|the caretaker|a school friend|the woman next door"
)
_JOBS = """architect|baker|beekeeper|bus driver|carpenter|chemist|choreographer|cook|dentist's assistant|
electrician|florist|gardener|geologist|glazier|goldsmith|interpreter|judge|lighthouse keeper|locksmith|midwife|
notary|optician|pharmacist|pilot|plumber|potter|sailor|stonemason|tailor|translator|tram driver|vet|violin maker"""
_SUBJECTS = """astronomy|beavers|bridges|cartography|cathedrals|coral reefs|deserts|earthquakes|Etruscan tombs|
fermentation|fonts|glaciers|heraldry|insects|Inca roads|jazz|knots|lace|lighthouses|maps|meteorites|monsoons|
mosaics|moss|opera|origami|pepper trade|perfume|pigments|puppetry|railways|salt|ship wrecks|silk|steam engines|
tides|tulips|volcanoes|whales|windmills"""
_ADJECTIVES = """Bitter Blue Borrowed Broken Burning Crooked Distant Drowned Empty First Frozen Gentle Golden
Hidden Hollow Last Late Little Lonely Lost Narrow Paper Patient Quiet Restless Second Silver Sleeping Slow
Stolen Twelfth Unfinished Velvet Wandering Winter""".split()
_NOUNS = """Almanac Anchor Atlas Bell Bridge Caravan Clockmaker Comet Country Crossing Daughter Echo Envoy
Ferryman Garden Glacier Harvest House Island Key Lantern Letter Map Meridian Mountain Orchard Pilgrim Quarry
River Room Season Sparrow Stranger Tide Train Violin Window""".split()
_MONTHS = "January February March April May June July August September October November December"


def _split(block: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in block.replace("\n", "").split("|"))


WORDS: dict[str, tuple[str, ...]] = {
    "person": tuple(PEOPLE),
    "city": tuple(CITIES),
    "street": tuple(f"{street} Street" if i % 3 else f"{street} Lane" for i, street in enumerate(STREETS)),
    "object": _split(OBJECTS),
    "food": _split(FOODS),
    "animal": _split(ANIMALS),
    "colour": tuple(_COLOURS.split()),
    "relative": _split(_RELATIVES),
    "somebody": ("{person}", "my {relative}", "{person}", "my {relative} {person}", *_split(_NEIGHBOURS)[1:]),
    "job": _split(_JOBS),
    "subject": _split(_SUBJECTS),
    "title": tuple(f"The {adjective} {noun}" for adjective in _ADJECTIVES for noun in _NOUNS),
    "month": tuple(_MONTHS.split()),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "n": ("two", "three", "four", "five", "six", "seven", "eight"),
    "nn": tuple(str(number) for number in range(11, 98)),
}
