"""What people ask once."""

from __future__ import annotations

from tests.bench.histories.tell import lines

QUESTIONS = lines("""
how do I get {food} stains out of a {colour} shirt?
what's the best way to pack a {object} for the post?
is it true that a {animal} can live thirty years?
who invented the {object}?
how far is it from {city} to {city} by boat?
can you eat {food} cold?
what do I write on a card for a {job} who retires?
which museum in {city} has the collection on {subject}?
how long does {food} keep in the fridge?
what's the plural of {animal} in Italian?
do I need a visa to change planes in {city}?
what does a {job} earn in {city}?
how do you remove wax from a {object}?
is {month} a good month to see {city}?
where can one study {subject}?
what should I read after "{title}"?
how many {food} does one order for {nn} guests?
why do {animal}s sleep standing up?
can a {animal} get through a gap of {n} centimetres?
who played the {job} in the film "{title}"?
what is a fair price for a used {object}?
how do I say "the {animal} is in the {object}" in Spanish?
is the road from {city} to {city} open in winter?
what are the three most famous books on {subject}?
how do I stop a {object} from rattling?
what wine goes with {food}?
does the airport of {city} have showers?
what was invented first, the {object} or the {object}?
how deep do you bury a dead {animal}?
can I paint a {object} without sanding it?
what's a polite way to refuse {food}?
how old must a child be for a talk on {subject}?
which tree on {street} has the {colour} leaves?
is there a night bus from {city} in {month}?
what is the sound of a {animal} called?
how heavy is an average {object}?
can you recommend a {job} near {street}?
what do people in {city} do on rainy days?
is {food} safe during pregnancy?
where do I recycle a {object}?
what does a {colour} flag on the beach mean?
why is {city} twinned with {city}?
which saint protects {job}s?
how does one become a {job} at fifty?
what's the record for holding a {object} on one's nose?
how do I photograph a {animal} at dusk?
is there a word for the fear of {animal}s?
what's the story behind the name of {street}?
do {animal}s recognise themselves in a mirror?
how do I get a piano through a door of {nn} centimetres?
can you explain {subject} with an example from the kitchen?
what was the weather like in {city} in {month} 19{nn}?
which spice is missing in {food}?
how do I thank {somebody} for the {object}?
what do I do when a {animal} follows me?
how do I frame a map of {city}?
is a {job} allowed to keep a {animal} at work?
what's the etiquette at a christening in {city}?
why did the museum of {subject} close?
how many strings does a baroque {object} have, if any?
is {nn} too old to learn archery?
what's the easiest {food} recipe without eggs?
which way does the river in {city} flow?
how do I report a lost {object} in {city}?
what was on the banknote before the {animal}?
could a {animal} win against a {animal}?
what rhymes with {food}?
how do I fold a napkin into a {animal}?
is it rude to wear {colour} at a funeral in {city}?
what do they teach in the first year of {subject}?
can one see the sea from {city}?
how much is {nn} pounds in kilos?
why do cats hate the {object}?
do I tip the {job} in {city}?
who wrote the opera about the {job} and the {animal}?
how is {food} pronounced?
what's hidden under the {street} roundabout?
may I park a caravan on {street}?
which planet is visible in {month}?
how do I fix a scratch in a {colour} car?
what's the difference between a {animal} and a {animal}?
what does one wear to a lecture on {subject}?
does {food} freeze well?
how do I find out who built a {object}?
what can I do in {city} in {n} hours?
is a {object} allowed as hand luggage?
why is my {object} humming?
what are good names for a {colour} {animal}?
did "{title}" win a prize?
how do you get a {animal} out of a chimney?
what happened in {city} in 18{nn}?
can you make soap from {food}?
how do I write a reference for a {job}?
where does the word {object} come from?
how do I teach a {animal} to come when called?
what are the rules of the boat race in {city}?
who's buried under the church on {street}?
how do I keep a {animal} away from the {food}?
what is the tallest building in {city}?
is there a podcast on {subject} for children?
which {job} do I call for a stuck drawer?
why does {food} smell of petrol?
how do I wrap a {object} as a present?
which film has a {animal} driving a bus?
can one rent a {object} by the hour?
what's a good toast for {person} and {person}?
how do I divide {nn} by {n} in my head?
what do I answer if {somebody} asks for money?
how was {subject} taught a century ago?
are there still {animal}s in {city}?
""")
