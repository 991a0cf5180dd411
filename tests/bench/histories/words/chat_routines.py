"""What people in a chat do again and again, in their words.

`line`: what is told; `near`: one-offs that share words with it and are something else. {mate} and {spot} stay the same.
"""

from __future__ import annotations

from tests.bench.histories.tell import topics

ROUTINES = topics("""
football 21
line: football training was [brutal|fun|muddy] / I'm dead after football practice / coach made us sprint at football
    training / back from training with the football team / we trained on the wet pitch, football as ever / training
    with the lads on the pitch is over
near: they show the football final in the bar on {street} / who still has a football sticker album from 19{nn} / the
    pitch of that salesman, unbelievable

bread 9
line: bakery run done, [rye|spelt|seeded] bread today / queued at the bakery for fresh bread / got our bread and
    rolls from the bakery / fetched bread for everybody here at home / I've been to the baker's already / warm bread
    on the table, I was at the bakery
near: my {relative} has coeliac, no bread for life / a bakery window on {street} got smashed / breadcrumbs in my
    keyboard, help

kids-swim 16
line: took the kids to swimming lessons / sitting at the pool while the kids have their lesson / kids' swimming
    lesson again, I smell of chlorine / the little ones are in their swim class and I wait / drove the children to
    the pool for their lesson / swim class with the kids survived
near: who brings a {animal} to the pool party / the lesson of "{title}" is that nobody learns / my kid drew {peer}
    as a {animal}

nightshift 7
line: just out of the night shift at the hospital / night shift at the clinic over, going to bed / hospital nights
    again, I'm a ghost / I worked through the night on the ward / survived another night on the ward / home from the
    night shift
near: hospital series are all wrong about {subject} / my {relative} has to shift the wedding / one night in {city}
    costs {nn} euros, robbery

dinner 19
line: cooked dinner for the whole flat / it was my turn at the stove for the flatmates / fed all flatmates,
    [curry|lasagne|stew] this time / made a big pot of food for our flat / dinner for the shared flat is served / I
    did the cooking for us flatmates
near: the flatmate of {person} collects {object}s / dinner jacket needed for {person}'s thing / a flat in {city}
    costs what?!

gran 15
line: visited my gran in the home / spent the afternoon with gran at the care home / took gran out in the wheelchair
    / gran was in good spirits when I visited / was at the care home, gran beat me at cards / had cake with gran at
    her home
near: gran canyon or grand canyon, settle this / who takes care of your {animal} in {month}? / found a granny square
    blanket in {city}

parkrun 9
line: parkrun done, {nn} people this time / ran the parkrun / five k in the park with the parkrun crowd / did
    parkrun, legs are jelly / parkrun in the books / this morning's parkrun was [windy|icy|lovely]
near: they found {n} {animal}s in the park / parking at {person}'s is a nightmare / the run on {food} is insane,
    shelves empty

dnd 20
line: our D&D session ran late / played Dungeons and Dragons with {mate} / our party fought [a lich|goblins|a
    dragon] in D&D / D&D was epic, natural twenty / the dungeon master killed my paladin in D&D / we had our D&D
    evening
near: a dragon boat race in {city}, I'd go / the master bedroom of {person}'s place is {colour} / dungeon tour in
    {city}, kids cried

tutoring 17
line: gave maths tutoring to {mate}'s son / tutored {mate}'s boy in maths / did fractions with {mate}'s son again /
    maths lesson with my pupil done / helped {mate}'s kid with maths / my tutoring hour is over, equations
    everywhere
near: the maths on this bill is wrong by {nn} euros / {mate}'s son won a {animal} at the fair / a tutor of {subject}
    wanted, anyone?

brunch 11
line: brunch at {spot} with my sister / having brunch with my sister / sister brunch, eggs and gossip / met my
    sister for brunch / long brunch with sis at {spot} / my sister and I had our brunch
near: sister act is on tv / the menu at {spot} has a typo, "eegs" / {person}'s sister married a {job}

bees 10
line: checked the beehives / was out at the hives, bees are busy / inspected the bees, no swarm / my bees are fine,
    looked into every hive / opened the hives and counted frames / went to see the bees
near: spelling bee on the radio, hilarious / {person} got hives from {food} / the Bee Gees documentary is on

salsa 20
line: salsa class was so good / danced salsa with {mate} / my feet hurt from salsa / learned a new turn at salsa /
    we had salsa class / back from dancing salsa
near: salsa or guacamole for the party / turn left at {street}, everybody misses it / the class of 19{nn} meets in
    {city}

rehearsal 19
line: theatre rehearsal until late / we rehearsed [the second act|the finale|my scene] with the theatre group / was
    at rehearsal, still don't know my lines / rehearsed the play with the amateur group / our drama group rehearsed
    again / stage rehearsal done, director unhappy
near: the theatre in {city} burned down in 19{nn} / drama at the office, the {job} quit / who groups the photos of
    {person}'s trip

fishing 5
line: went fishing on the lake with dad / dad and I were out fishing / caught [nothing|a pike|two perch] with dad on
    the lake / sat in the boat with dad, rods out / up at dawn to fish with my dad / fishing trip with dad, cold
    hands
near: that mail was phishing, don't click {peer} / a lake in {city} turned {colour} / dad jokes should be illegal

train 18
line: train cancelled on my way home / my commuter train was cancelled / stuck at the station, train cancelled /
    they've cancelled my train home again / no train home, cancelled without a word / the regional train got
    cancelled on me
near: training a {animal} is harder than it looks / the cancelled series is coming back, "{title}" / station wagon
    for sale, {nn}00 euros

migraine 13
line: migraine day, lying in the dark / I've got a migraine / head is splitting, migraine / my migraine is back /
    down with migraine, don't call / took my pills for the migraine
near: migration of the cranes over {city}, beautiful / headless statue found on {street} / dark chocolate with
    {food}, try it

upstairs 23
line: the upstairs neighbour is drilling / drilling noise from upstairs at this hour / neighbour above me drills
    into the wall / can't sleep, drill in the flat above / the man upstairs and his drill, I can't / more drilling
    over my head
near: my {relative}'s fire drill was a real fire / upstairs at {person}'s there's a {object} museum / neighbours of
    {person} won the lottery

parklunch 13
line: lunch in the park with {mate} / ate my sandwich with {mate} in the park / {mate} and I had lunch on our park
    bench / park bench lunch with {mate} / shared lunch with {mate} under the big tree / met {mate} for lunch in the
    park
near: theme park in {city} closes for good / {mate} got a tattoo of a {animal} / tree fell on {street}, nobody hurt

vinyl 17
line: bought a record at the flea market / flea market haul: [jazz|soul|punk] vinyl / found another LP at the flea
    market / dug through record crates at the flea market / my vinyl shelf grew at the flea market / came home from
    the flea market with records
near: the cat has fleas, disaster / criminal record checks take {n} weeks / world record in eating {food}, look it
    up

german 18
line: my German class was about [the dative|verbs|genders] / German course again, my head / sat in German class /
    had German, teacher praised me / learned German words at the course / just finished German class
near: German shepherd on the loose on {street} / of course it rains at the {city} festival / genders of {animal}s,
    impossible to tell

cat-vet 16
line: cat got her insulin shot at the vet / was at the vet's with the cat for her insulin / vet visit with the cat,
    sugar levels ok / took the cat in for insulin / the vet checked the cat's diabetes / cat and I came back from
    the vet
near: a veteran from {city} spoke at school / cat video of the year, {peer} look / the sugar bowl of {person}'s gran
    broke

poker 21
line: poker with the guys, lost [ten|five|twenty] euros / we played poker at {mate}'s / poker round was long / got
    bluffed by {mate} at poker / won at poker for once / cards and chips at {mate}'s, poker as ever
near: that {job} has a real poker face / fish and chips in {city}, {nn} euros / the house of cards I built stood {n}
    hours

cello 16
line: drove my daughter to her cello lesson / waiting outside the cello lesson / my daughter had cello / daughter's
    cello teacher is happy / cello lesson with the kid done / brought the little one to cello
near: cellophane sticks to everything / {person}'s daughter studies {subject} / the teacher on strike gave an
    interview

park-clean 10
line: collected litter along the canal / canal clean-up with the group / we filled [six|nine|twelve] bags with
    litter at the canal / picked up rubbish by the canal / out at the canal with litter tongs / cleaned the canal
    bank with the volunteers
near: kitty litter on offer, {n} for two / a canal boat sank in {city} / the garbage strike goes on, hold your nose

spin 20
line: spin class nearly killed me / did an hour of spinning at the studio / spin class done, drenched / cycled to
    nowhere in spin class / the spinning instructor shouted again / my legs after spin class, help
near: a spin-off of "{title}" is coming / the washing machine spins like mad / the studio of that {job} is a barn

soup 18
line: soup kitchen shift is over, {nn}0 meals / served soup at the shelter / helped out at the soup kitchen / dished
    out meals at the shelter / my evening at the soup kitchen / we cooked for the homeless at the shelter
near: {food} soup, does anyone have a recipe / the kitchen of {person}'s new flat is {colour} / bus shelter on
    {street} got demolished

sketch 14
line: drew in the botanical garden / sketched [ferns|orchids|palms] in the botanical garden / sat in the botanical
    garden with my sketchbook / filled pages with plants at the botanical garden / drawing session among the palms
    in the garden / was sketching in the greenhouse of the botanical garden
near: a sketch show from {city}, so funny / the beer garden on {street} opens / palm reading by a {job}, ten euros

karaoke 22
line: karaoke was wild / sang [Abba|Queen|Cher] at karaoke / my voice is gone, karaoke / {mate} dragged me to
    karaoke / we did karaoke at the Red Lantern / microphone hogging at karaoke as ever
near: a red lantern fish, google it / voice actor of "{title}" died / the Queen of Denmark's {animal}

puzzle 21
line: did the crossword with mum on the phone / mum and I solved the crossword / crossword call with mum / mum knew
    [twelve|seven|nine] across again, crossword done / phoned mum for our crossword / finished the big crossword
    together with mum
near: crossing {street} takes ages now / mum's the word about {person}'s party / mum found a {object} in the attic

compost 10
line: turned the compost at the community garden / was at the community garden, compost duty / community garden: dug
    and turned compost / watered the beds at the community garden and did the compost / compost heap turned, smelly
    hands / my turn with the compost at the community garden
near: the community centre in {city} has a new {job} / garden chairs, free to collect / duty free {food}, want some?
""")
