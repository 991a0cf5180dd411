"""What has one value at a time for somebody in a chat. The form is that of the personal matters."""

from __future__ import annotations

from tests.bench.histories.tell import lines, topics

TASTES = topics("""
icecream
for: when we get ice cream / as ice cream
values: pistachio / lemon sorbet / salted caramel / stracciatella

beer
for: at the bar / when we go for drinks
values: dark beer / cider / a gin and tonic / ginger ale / white wine

movie
for: for movie nights / on movie night
values: horror films / romcoms / anime / thrillers / old musicals

messenger
for: for texting / to text me
values: Signal / WhatsApp / Telegram / plain SMS

tea
for: when I'm ill / with a sore throat
values: sage tea / chicken soup / hot lemon / cold smoothies

shopping
for: for clothes / when I need clothes
values: thrift shops / the mall / online shops / swap parties

weekend
for: for weekends / on a free weekend
values: hiking / sleeping in / museums / long bike rides

games
for: for gaming / when I play games
values: the Switch / my PC / the PlayStation / a tablet

burger
for: on burgers / when we order burgers
values: a bean patty / beef / fried chicken / halloumi

travel
for: for getting to my folks / to visit my parents
values: the night bus / the train / car sharing / flying

gift
for: as birthday presents / when you ask what to give me
values: books / vouchers / homemade things / concert tickets / plants

seatcinema
for: at the cinema / in the cinema
values: the back row / the front row / the middle / the balcony

season
for: as a season / of all seasons
values: autumn / spring / winter / summer

hair
for: for my hair / as hair colour
values: copper red / black / platinum blond / teal
""")

FACTS = topics("""
place
np: my place / where I live
own: I live in {v} / my flat's in {v} / I've got a room in {v}
turn: I moved to {new} / moved out of {old}, {new} is home now / I live in {new} now
drop: I don't live in {old} anymore / moved away from {old}
values: {city1} / {city2} / {city3} / {city4}

work
np: my job / what I do for work
own: I work at {v} / my job is at {v} / they pay me at {v}
turn: started at {new}, left {old} / I work at {new} now / new job! it's at {new}
drop: I quit {old} / I'm not working at {old} anymore
values: the aquarium / a bike shop / the town hall / a call centre / the planetarium

flatmate
np: my flatmate / the person I share the flat with
own: I share my flat with {v} / {v} lives with me
turn: {old} moved out and {new} moved in / {new} is my flatmate now
drop: {old} doesn't live with me anymore
values: Bertram / Cleo / Ottilie / Dominic

dayoff
np: my day off / the day I don't work
own: I'm off on {v} / I don't work on {v}
turn: they changed my day off from {old} to {new} / my day off is {new} now
values: Mondays / Tuesdays / Wednesdays / Fridays

school
np: my kid's school / the school my kid goes to
own: my kid goes to {v} / we have the kid at {v}
turn: kid changed from {old} to {new} / my kid goes to {new} now
drop: my kid isn't at {old} anymore
values: Hillview School / the Montessori school / St Anne's / the Rosa Parks School

number
np: my phone number / my number
own: my number ends in {v} / you reach me at the number ending in {v}
turn: new number, ends in {new}, forget {old} / my number now ends in {new}
values: 4471 / 0928 / 6613 / 3350

bike
np: my bike / the bike I ride
own: I ride {v} / I get around on {v}
turn: sold {old}, I ride {new} now / my bike is {new} now
values: a Brompton / an old Peugeot / a cargo bike / a fixie

study
np: my degree / what I study
own: I study {v} / I'm enrolled in {v}
turn: switched from {old} to {new} at uni / I study {new} now
drop: I dropped out of {old}
values: marine biology / law / philosophy / civil engineering

vet
np: our vet / the vet we go to
own: we take the cat to {v} / {v} treats our cat
turn: new vet for the cat: {new}, not {old} / we take the cat to {new} now
values: Dr Amsel / Dr Brandt / Dr Castell / Dr Dufour

partner
np: the person I'm dating / my other half
own: I'm dating {v} / {v} and I are a couple
turn: it's over with {old}, I'm with {new} now / I'm dating {new} now
drop: I'm no longer with {old}
values: Alexis / Jamie / Robin / Sascha

diet
np: my diet / how I eat
own: I eat {v} / I'm {v}, you know that
turn: I went from {old} to {new} / I'm {new} now
drop: I'm not {old} anymore
values: vegan / vegetarian / pescatarian / gluten-free

instrument
np: my instrument / the instrument I play
own: I play the {v} / I take lessons on the {v}
turn: gave up the {old} for the {new} / I play the {new} now
drop: I don't play the {old} anymore
values: saxophone / harp / drums / banjo

streaming
np: my streaming subscription / the streaming service I pay for
own: I've got {v} for streaming / I pay for {v}
turn: swapped {old} for {new} / my streaming is {new} now
drop: cancelled {old}
values: Netflix / Mubi / Disney Plus / Apple TV

position
np: my position in the team / the position I play
own: I play as {v} / coach puts me in as {v}
turn: coach moved me from {old} to {new} / I play as {new} now
values: goalkeeper / left back / striker / midfielder

landlord
np: our landlord / the landlord of my flat
own: we rent from {v} / {v} is who gets our rent
turn: the house was sold, landlord is {new} now, not {old} / we rent from {new} now
values: Mr Petrossian / Mrs Oyelaran / Hartwell Homes / the Dovecote Trust

rent
np: my rent / the rent I pay
own: I pay {v} rent / {v} a month goes to rent
turn: rent went from {old} to {new} / I pay {new} rent now
values: 540 euros / 610 euros / 685 euros / 730 euros

bar
np: my regular bar / the bar I go to
own: you find me at {v} / I'm a regular at {v}
turn: {old} is history, {new} is my bar now / I go to {new} now instead of {old}
drop: I don't go to {old} anymore
values: the Blue Goose / Café Lomo / the Copper Still / Zum Anker

email
np: my email / the address to mail me
own: mail me at {v} / I read mail at {v}
turn: new address, {new}, {old} is dead / my email is {new} now
values: at posteo / at the gmail one / at proton / at my uni address
""")

TASTE_SAYS = lines("""
I'm team {v} {for}
{for} it has to be {v} for me
{v} {for}, always
I prefer {v} {for}
nothing better than {v} {for} if you ask me
you know I love {v} {for}
{for} I want {v}, no discussion
give me {v} {for} and I'm happy
my favourite {for} is {v}
""")
TASTE_TURNS = lines("""
I'm over {old}, {for} it's {new} for me now
{for} I've switched to {new}
I prefer {new} {for} these days
used to want {old} {for}, now it's {new}
{new} instead of {old} {for} from now on
changed my mind, {new} {for}, not {old}
""")
TASTE_DROPS = lines("""
I can't stand {old} {for} anymore
no more {old} {for}, I'm done
I don't like {old} {for} anymore
""")
TASTE_DECOYS = lines("""
@other I'm more of a {other} person {for}
@other {for}? {other}, easily
@same {other} {for} just this once, don't get used to it
@same everyone at work wants {other} {for}
@same {person} bought {other} and now I have to be polite
@other {other} {for}, am I alone here
@same when I was twelve it was all about {other} {for}
""")
FACT_SAYS = lines("""
{np} is {v}
{np}? {v}
it's {v}, {np} I mean
{np} is {v}, in case you forgot
""")
FACT_TURNS = lines("""
{np} is {new} now
{np} isn't {old} anymore, it's {new}
news: {np} is {new}
""")
FACT_DECOYS = lines("""
@other {np} is {other}
@same my cousin told me {other} about his {thing}, and I just nodded
@same {person} is thinking about {other}
@other for me it's {other}, my {thing} I mean
@same ages ago it was {other} with my {thing}, remember?
@same saw an ad for {other}
""")
