"""What friends write to each other when nothing happened."""

from __future__ import annotations

from tests.bench.histories.tell import lines

SMALL = lines("""
morning all, who else is awake
haha no way
good luck with the exam {peer}!
has anybody seen my {colour} scarf
what's the name of that place with the {food} again?
lol {peer} that picture with the {animal}
sorry I was asleep, what did I miss
happy birthday {peer}!! cake emoji cake emoji
is it me or is the internet slow today
does anyone have a {object} I can borrow
ok but who would win, a {animal} or a {job}
can't, sorry, dentist
which is better, {city} or {city}? need an answer by tonight
{peer} you left your {object} at mine
that's the best thing I've read all week
I'm so hungry I could eat the {object}
did you hear about {person} and {person}?
congratulations {peer}, so well deserved
ugh, mondays
anyone know a good {job}?
who's the {job} in that old series, it's driving me mad
brb, doorbell
I have no opinion on {subject} and I'm proud of it
wait, {person} is moving to {city}?
send pics or it didn't happen
that sounds painful, get well soon {peer}
{peer} check your voicemail
let's talk about it in person
my horoscope says to avoid {animal}s
quick poll: {food} or {food}
ok I'll bring the {object}
it's snowing here, in {month}!
hugs to you {peer}
I don't get the joke
do we need tickets for "{title}"?
my battery is at two percent so if I vanish that's why
spoiler free please, I haven't seen "{title}"
you are all terrible and I love you
and then what did the {job} say?
someone's playing the trumpet downstairs
I blame {person}
never again {food}, never
hello from the waiting room
who changed the group picture to a {animal}
remind me, when is {person}'s wedding?
found the group photo from {city}, we look twelve
please vote for my {relative}'s {animal} in the photo contest
is the bridge open again?
thanks for the flowers {peer}, they smell like {month}
anyone up for a walk later?
so proud of you {peer}
where do you even buy a {object} in this town
I read that as {animal} and was confused
what time is it in {city} now
honestly same
my {relative} just liked a photo of mine from ten years ago
that's not how {subject} works {peer}
tomato or to-mah-to
there's a spider in the sink the size of a {object}
who has the Netflix of {person}'s ex
guess who I ran into. wrong. {person}
ok, ok, you were right about {city}
I can smell {food} through the phone
what a day. tell you later
I'm officially old, my back hurts from sneezing
is {person} still mad about the {object}?
no comment
do {animal}s have knees
this chat is better than any talk on {subject}
I'd pay money to see {peer} as a {job}
we should all go to {city} one day
typing with gloves, excuse typos
not now {peer}, I'm in a meeting about {subject}
that reminds me, whose {object} is in my car
three words: {food}, {city}, never
what's the wifi at {person}'s again
can somebody water... never mind, it rains
my nephew calls every {animal} a duck
I vote we ask {person}
did it work {peer}?
just saw a cloud shaped like a {animal}
hope the interview went well {peer}
I'm at the counter, quick, what kind of {food}
I'll tell you when I'm less angry
don't forget to change the clocks
no spoilers but the {job} did it
weird question: do you have a spare {object}
sleep well everybody
I owe {peer} a coffee
my mum says hello to all of you
{peer} that was my joke
we have a new {job} in the building and he sings
sending strength {peer}
what did the vet say about the {animal}?
there are {nn} unread messages here, summarise please
the {food} was a crime
why is everyone on the roof opposite
I miss {city}
ask {person}, she studied {subject}
the plot twist in "{title}" though
""")
