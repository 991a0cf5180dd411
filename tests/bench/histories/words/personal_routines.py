"""What a person does again and again, in several wordings, and what only sounds like it.

`did`: past tense after "I"; `doing`: a noun phrase; `near`: one-offs that share words with it and are something else.
{mate} and {spot} stay the same throughout a history.
"""

from __future__ import annotations

from tests.bench.histories.tell import topics

ROUTINES = topics("""
swim 7
did: went swimming at the {spot} pool / swam [forty|thirty|fifty] lengths / did my laps in the pool
doing: swimming / laps at the {spot} pool / the swim
near: watched swimmers on television, the Channel crossing / the {spot} pool is looking for a lifeguard, told
    {somebody} / bought swimming goggles for my {relative}'s birthday

choir 19
did: went to choir practice / sang with the choir in {spot} / rehearsed with the choir
doing: choir rehearsal / choir practice in {spot} / an evening of singing with the choir
near: heard a children's choir outside the cathedral in {city} / the choir loft in {spot} is being renovated /
    {person} told me that singing in a choir lowers the blood pressure

grandma 18
did: called Grandma / phoned my grandmother / had my call with Grandma, she talked about {subject}
doing: the call with Grandma / a long phone call with my grandmother / talking to Grandma on the phone
near: found Grandma's old recipe for {food} / a call centre rang about {subject} / {person}'s grandmother turned a
    hundred

climbing 19
did: went climbing with {mate} / climbed at the bouldering hall with {mate} / spent the evening at the climbing wall
doing: bouldering with {mate} / climbing at the hall / the climbing session
near: saw a film about the first climb of the north face / the climbing rose on the house wall finally blooms /
    {mate} sent me a photo of a {animal}

sourdough 20
did: fed the sourdough and baked a loaf / baked sourdough bread / made a loaf from the starter
doing: baking sourdough / another sourdough loaf / bread from my own starter
near: the bakery on {street} has closed / read an article about gluten / threw away mouldy bread that {somebody}
    left

library 16
did: took books back to the library / went to the library and borrowed [two|three|four] novels / returned my loans
    at the library
doing: the trip to the library / borrowing and returning library books / my library round
near: read about the library of Alexandria / the library on {street} has a new roof / got a bookshelf from
    {somebody}

plants 9
did: watered the houseplants / gave all the plants their water / went round with the watering can
doing: watering the plants / the round of the houseplants / giving the ferns and the monstera water
near: a power plant near {city} was shut down / the water was off for an hour on {street} / bought a cactus for
    {somebody}

market 10
did: bought vegetables at the farmers' market / went to the market for greens and cheese / did the shopping at the
    farmers' stalls
doing: shopping at the farmers' market / the market round / getting vegetables from the farmers
near: the stock market came up at dinner with {somebody} / saw a {animal} under a market stall in {city} / a farmer
    near {city} lost his barn

therapy 15
did: had my physiotherapy appointment / went to physio for the shoulder / did the session with the physiotherapist
doing: physiotherapy / the physio session for my shoulder / the appointment at the physiotherapist's
near: {person} wants to study physiotherapy in {city} / my {relative} dislocated a shoulder at handball / had an
    appointment at the bank about {somebody}'s estate

chess 20
did: played chess with {mate} at the café / had my chess game against {mate} / lost [again|] at chess to {mate}
doing: chess with {mate} / the game of chess at the café / a round of chess against {mate}
near: saw a chess computer in a museum / {mate} has bought a car / read about a chess scandal in {city}

journal 22
did: wrote in my journal / filled a page of my diary / wrote down the day in the notebook
doing: journaling / writing my diary page / the journal entry
near: found a diary of my {relative} in the attic / a medical journal has an article by {person} / the notebook with
    the phone numbers fell into the bath

run 6
did: ran along the river / went for a run by the river / jogged [five|six|eight] kilometres along the water
doing: running along the river / the river run / a jog by the water
near: the river in {city} has flooded the quay / watched the marathon from the balcony / the tap was running all
    night

cleaning 11
did: cleaned the whole flat / vacuumed and mopped everywhere / did the housework from top to bottom
doing: cleaning the flat / vacuuming and mopping / the big cleaning round
near: the cleaner at the office retires / had the suit cleaned for {person}'s wedding / the vacuum flask leaks

violin 17
did: practised the violin / worked on my scales on the violin / played [Bach|études] on the violin
doing: violin practice / scales and études on the violin / an hour with the violin
near: a violinist played in the underground in {city} / the violin shop on {street} was burgled / {person} sold a
    cello

volunteering 14
did: volunteered at the food bank / sorted donations at the food bank / helped at the food bank on {street}
doing: the shift at the food bank / sorting tins at the food bank / volunteering at the food bank
near: the bank closed my old savings account / donated an old {object} to a theatre / {person} wants to found an
    association

cinema 20
did: went to the film club with {mate} / saw a film at the film club / watched [an old western|a silent film|a
    French film] at the club
doing: film club / the film club evening with {mate} / an evening at the film club
near: the camera club in {city} is looking for members / a film crew blocked {street} / {somebody} filmed a {animal}

spanish 18
did: had my Spanish lesson / took my Spanish class online / did Spanish with my teacher
doing: the Spanish lesson / Spanish class / an hour of Spanish with my teacher
near: a Spanish tourist asked me the way to {street} / ate Spanish oranges at {person}'s / my old teacher moved to
    {city}

meds 8
did: took my thyroid tablet / swallowed the thyroid pill before eating / took the thyroid medication
doing: the thyroid tablet / taking my thyroid pill / the thyroid medication
near: the dog ate a tablet and had to go to the vet, {person} says / read a leaflet about sleeping pills / my
    tablet's screen cracked

laundry 12
did: did two loads of laundry / washed and hung up the clothes / ran the washing machine and ironed shirts
doing: laundry / washing and ironing / the wash
near: the laundrette on {street} is now a gallery / washed the car because of the pollen / ironed a letter flat for
    {somebody}

stargazing 22
did: set up the telescope on the hill / observed [Saturn|the moon|Jupiter|a nebula] with the telescope / went
    stargazing on the hill
doing: stargazing / observing with the telescope / a night with the telescope on the hill
near: a film star stayed at the hotel in {city} / {person}'s new company makes lenses / walked up the hill with
    {somebody} to see the fire

pottery 18
did: went to the pottery studio / threw [a bowl|two cups|a vase] on the wheel / worked with clay at the studio
doing: pottery / the evening at the pottery wheel / throwing bowls in the studio
near: a Roman pot was dug up in {city} / broke {somebody}'s favourite bowl / the steering wheel of the van squeaks

babysitting 19
did: babysat {mate}'s twins / looked after the twins for {mate} / put {mate}'s twins to bed
doing: babysitting {mate}'s twins / an evening with the twins / looking after {mate}'s kids
near: twin beds at the hotel in {city}, had to push them together / {person} is expecting a girl / sat on a
    committee about {subject}

podcast 8
did: listened to the history podcast on the way to work / heard [an|the new] episode of the history podcast / had
    the history podcast on during the commute
doing: the history podcast / an episode of the history podcast / history in my ears on the commute
near: {person} was a guest on a radio show about {subject} / the history teacher from school is ninety / lost an
    earbud on {street}

budget 20
did: went through my expenses / did the household accounts / updated the budget spreadsheet
doing: the budget / going through my expenses / the household accounts
near: the city's budget was cut, {somebody} is furious / found a spreadsheet of birthdays / an expense claim from
    two years ago was paid

sauna 20
did: went to the sauna with {mate} / sweated [two|three] rounds in the sauna / had an evening at the sauna in {spot}
doing: the sauna / sauna with {mate} / an evening of sauna and cold water
near: a sauna burned down near {city} / the office is hot as an oven, the cooling failed / cold water came out of
    the tap in {city}

garden 16
did: weeded the allotment / worked in the allotment / dug and raked on my plot
doing: weeding / an afternoon at the allotment / gardening on my plot
near: the plot of "{title}" made no sense / a garden gnome appeared on {street} / {person} found a hand grenade
    while digging

dog 7
did: walked {mate}'s dog / took {mate}'s dog to the park / went round the park with the dog
doing: walking {mate}'s dog / the round with the dog / dog duty for {mate}
near: a dog barked all night on {street} / hot dogs at the station in {city} / the park in {city} has a new fountain

band 20
did: rehearsed with the band in the cellar / played bass with the band / had band rehearsal
doing: band rehearsal / playing bass in the cellar / a rehearsal with the band
near: a rubber band snapped and hit {somebody} / a brass band played at {person}'s wedding / cleaned up the cellar
    after the flood

yoga 6
did: did [twenty|thirty] minutes of yoga / rolled out the mat for yoga / did my sun salutations
doing: yoga / sun salutations on the mat / the yoga session
near: my {relative} opened a yoga school in {city} / the bath mat is mouldy / saw the sun rise over {city} from the
    train

quiz 20
did: went to the pub quiz / came [second|third|last] at the pub quiz with {mate} / played in the quiz at the pub
doing: the pub quiz / quiz night with {mate} / an evening of trivia at the pub
near: the pub on {street} was sold to a brewery / a quiz show asked about {subject} / {person} was asked a trick
    question in an interview

blood 8
did: measured my blood pressure / took my blood pressure / checked my blood pressure with the cuff
doing: the blood pressure reading / measuring my blood pressure / the reading from the cuff
near: tyre pressure was low on the hired van / a cuff of the {colour} shirt is torn / gave blood at the town hall in
    {city}

haircut 17
did: got my hair cut at {spot} / had a trim at the barber's / went to the barber
doing: the haircut / a trim at the barber's in {spot} / getting my hair cut
near: cut {somebody}'s hedge / a hair in the soup at the place on {street} / the barber's pole was stolen from
    {street}

recycling 19
did: took the bottles and paper to the recycling point / brought the glass away / carried the recycling down
doing: the recycling / bringing away bottles and paper / the trip to the bottle bank
near: the newspaper wrote about a plastic tax / a message in a bottle was found near {city} / papered the drawers
    with old maps

boardgames 19
did: played board games with {mate} and the others / had the game evening at {mate}'s / played
    [Catan|Carcassonne|Azul] at {mate}'s
doing: board games at {mate}'s / game night / the game evening with {mate}
near: went to a football game in {city} once, to please {somebody} / the ironing board broke / sat on a board that
    decides about {subject}
""")
