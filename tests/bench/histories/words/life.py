"""What happens once in a life: past tense, without its subject."""

from __future__ import annotations

from tests.bench.histories.tell import lines

LIFE = lines("""
found a {colour} umbrella on the tram and handed it in
lost a button from the winter coat somewhere near {street}
bought a second-hand {object} from a {job} in {city}
got stung by a wasp while eating {food} outside
saw a {animal} cross {street} in broad daylight
helped {somebody} carry a {object} up {n} flights of stairs
read half of "{title}" on the train to {city}
missed the last ferry because of a flat tyre
got a postcard from {somebody} in {city}
broke the handle off the {object}
spilled {food} all over the tablecloth at {person}'s wedding
watched a documentary about {subject}
had a strange dream about a {animal} and a {object}
was stuck in the lift for {nn} minutes with a {job}
signed a petition against the new car park on {street}
won a {object} in the raffle at the village fair
heard a lecture about {subject} at the town library
returned a {object} that had arrived in the wrong colour
ordered {food} by mistake because the menu was in Hungarian
sat next to a retired {job} on the flight to {city}
got a letter from the tax office about {month} two years ago
repaired the {object} with wire and a lot of patience
gave {somebody} a book about {subject} as a farewell present
found an old photo of {somebody} in front of the cathedral in {city}
cut a finger on a broken {object}
got lost in the old town of {city} and ended up at a {job}'s shop
met a {job} who collects everything about {subject}
visited the museum of {subject} in {city}
saw "{title}" at the open-air cinema, half of it in the rain
tried {food} for the first time, at a stall on {street}
dropped the phone into a bucket of paint
had to wait {nn} minutes at the post office behind somebody with {n} parcels
was woken at four by a {animal} on the roof
got a parking fine on {street}
booked a room in {city} for one night in {month}
turned down an invitation to {person}'s engagement party
found a {animal} asleep in the garden shed
voted in the local election, there were {n} candidates
donated blood for the first time since school
picked up the passport at the town hall, {nn} days late
watched the eclipse from the roof with a {job} and a telescope
had the watch strap shortened by a {job} on {street}
took part in a survey about {subject} outside the station
sold the old {object} to somebody from {city}
was interviewed by a local paper about the flood
heard that {somebody} is expecting twins
heard that {somebody} broke an ankle on a hike near {city}
learned that {person}'s house used to be a {job}'s workshop
got a phone call meant for a {job} in {city}
forgot the {object} on the bus to {city}
got the {object} back from lost property
fixed the squeaking hinge on the cellar door
threw out a box of cables from the nineties
had a power cut for {n} hours, finished a candle
saw a rainbow over the gasworks, a double one
walked past a film crew on {street}, they needed a {animal}
got caught in a hailstorm without a hat
found a coin from 19{nn} under the floorboards
opened a jar of {food} that turned out to be older than the flat
planted a walnut in memory of {somebody}
painted one wall of the hallway {colour}, regretted it
got a compliment for the {colour} scarf from a stranger
lent {somebody} the {object} until {month}
was invited to a naming ceremony in {city}
went to the funeral of a former {job} from the old street
had a tooth knocked loose by a door
sprained a wrist falling off a kerb
had an allergic reaction to {food} and a rash for a day
got vaccinated against tick-borne encephalitis
tried on glasses with a {colour} frame, didn't buy them
waited for the locksmith on the stairs, ate {food} with the neighbours' child
found the spare key in the {object}
changed trains in {city} and had time for {food} at the station
talked to a {job} about {subject} until the shop closed
watched {n} boats capsize at the regatta in {city}
ended up in a parade for the patron saint of {city}
was asked to translate a letter about {subject}
got a haircut that looks like a {job}'s from an old film
saw a street magician lose a {animal}
bought {n} tickets for "{title}" in {city}
gave a pair of boots to the flood appeal
learned to tie a bowline from a retired {job}
had a long talk with {somebody} about inheritance
found out that {somebody} once lived in {city} as a {job}
took the night train to {city}, the heating was broken
walked out of "{title}" after twenty minutes
lost a bet about {subject} and owes {somebody} {food}
won a bet about {subject} against a {job}
got a wrong delivery: {nn} boxes of {food}
watched a {job} restore a {object} on {street}
heard a {animal} in the chimney
had the chimney inspected, a {animal}'s nest came out
wrote a complaint about the construction noise on {street}
received a refund for the cancelled trip to {city}
got trapped by a goods train at the level crossing for {nn} minutes
stepped in wet concrete on {street}
carried a {object} through the whole of {city} on foot
got sunburned at {person}'s graduation
burned the {food}, the smoke alarm went off
spent an hour looking for the {object}, it was in the oven
heard {somebody} sing on local radio
was mistaken for a {job} at the hardware shop
saw a {job} and a {animal} on the same bicycle
counted {nn} cranes on the skyline of {city}
found a love letter from 19{nn} in a library book
was called as a witness about the accident on {street}
asked for a quote for new windows, {nn} hundred euros
inherited a {object} from {somebody}
tasted {food} made by a {job} who used to live in {city}
got into an argument about {subject} with {somebody}
made up with {somebody} after years over {food}
visited {somebody} in hospital, appendix
drove behind a combine harvester for {nn} kilometres
saw snow in {month}, of all months
watched the demolition of the old cinema on {street}
bought a raffle ticket from a child dressed as a {animal}
got seasick on the crossing from {city}
lost {n} games of backgammon against a {job}
tried archery at a fair in {city}, hit a {object}
slept in a lighthouse outside {city} for a birthday
helped to push a {colour} van out of the mud
found {n} kittens behind the recycling bins
had a filling replaced, no injection
watched a {animal} steal {food} from a picnic
met a man named {person} who is afraid of {animal}s
got the results of the blood test, iron is low
replaced the battery of the doorbell
learned the word for "{object}" in Finnish
took a photo of a {colour} door in {city} that won a prize
had to evacuate the office because of a suspicious {object}
heard the first cuckoo of the year
threw a surprise party for {somebody}, the surprise failed
assembled a wardrobe, {n} screws left over
had the piano moved to the ground floor by a {job}
got a scar from a {object} at school, told {somebody} the story
ran into {person} at the airport in {city} after {nn} years
received flowers meant for the flat above
bought a map of {city} from 19{nn}
played the witness in a mock trial for {person}'s exam
got a thank-you note from the {job}'s widow
crossed the border at {city} on a tandem
watched {somebody} get a tattoo of a {animal}
read that the bridge in {city} is closed for a year
listened to an interview with a {job} about {subject}
taught {person}'s daughter to whistle
witnessed a proposal on the ferris wheel in {city}
got a sample of {food} at the supermarket opening
had the roof leak right above the {object}
dug up a {object} in the allotment
judged a {food} contest in {city}
was shown around a mine by a former {job}
took a {animal} with a broken wing to the sanctuary
met {person}'s new partner, a {job} from {city}
cancelled the trip to {city} because of the strike
found a {colour} feather on the windowsill
gave a speech at {person}'s retirement
got the wrong coat from the theatre cloakroom
queued {nn} minutes for an autograph of the author of "{title}"
finished a jigsaw of {city}, one piece missing
had an interview for jury duty, was sent home
saw the northern lights from a lay-by near {city}
mended the fence after a {animal} went through it
traded a {object} for a crate of {food}
bought a {colour} bicycle bell as a joke for {somebody}
heard a burglar alarm on {street} all afternoon, a {animal} had set it off
was photographed for a calendar about {subject}
met a {job} from {city} at the dentist's of all places
got a call that the {object} is ready for collection
had a picnic at the reservoir, {n} ants in the {food}
followed a sign to {subject}, it was a dead end
wore odd shoes to a christening
ate {food} on a roof in {city} at midnight
was given a {object} as change at a flea market
watched firefighters free a {animal} from a drain
attended a hearing about wind turbines near {city}
saw a ghost sign for a {job} on {street}
translated a recipe for {food} for {somebody}
took the wrong exit and saw {city} by accident
won {nn} euros on a scratch card
gave the old sofa to a student of {subject}
found mould behind the {object}
changed a tyre in the rain outside {city}
got a splinter from the {object}, {somebody} pulled it out
helped a tourist from {city} find a {job}
heard that the school on {street} had a fire drill with real smoke
missed "{title}" because the tickets were for {month}
stayed up for the lunar landing broadcast
was bitten by a {animal}, only a scratch
learned from an old map that {street} was once a canal
rescued the neighbour's {animal} from the scaffolding
put together an obituary for {somebody}'s {relative}
took {n} rolls of film to be developed, all blank
got locked out in slippers, a {job} lent a coat
saw a chess computer from 19{nn} in a shop window
laughed until it hurt at {person}'s story about a {job} and a {animal}
bought the wrong size of everything for the cabin in {city}
tripped over a {animal} in the dark
had a drink with the {job} who built {person}'s staircase
received a summons about a {object} left on the pavement
found a bat box for sale in {city}, didn't bid
wrote to the editor about an error on {subject}
lost the tickets to {city} and found them in a shoe
got a free coffee for guessing the weight of a {animal}
watched {person}'s amateur play about {subject}
got the boiler replaced, {n} days without hot water
walked the whole ring road around {city} for charity
fainted at a talk about {subject}, nothing serious
met the author of a book on {subject} in a lift
had to identify a {object} at the police station
lit a candle for {somebody} in {city}
overheard a {job} explaining {subject} to a child
gave a lift to a hitchhiker with a {object}
saw the first swallow, wrote it on the kitchen wall
caught a cold at the {month} market in {city}
bought {food} for the whole stairwell after the flood
went up in a hot-air balloon over {city}
got a bruise from the {object} in the hallway
had the family crest explained by an expert on heraldry
tuned the radio to a station from {city} by accident
""")
