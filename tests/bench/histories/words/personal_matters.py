"""What has one value at a time in a person's life.

Tastes: `for` says when or of what, `values` what is chosen. Facts: `np` names the thing, `own` are frames of its own.
"""

from __future__ import annotations

from tests.bench.histories.tell import lines, topics

TASTES = topics("""
breakfast
for: for breakfast / in the morning, to eat / first thing in the day, on my plate
values: porridge / yoghurt with berries / scrambled eggs / toast with honey / muesli

hot-drink
for: as a hot drink / when it's something hot to drink / after lunch, in my cup
values: green tea / black coffee / cappuccino / peppermint tea / hot chocolate

seat
for: on trains and planes / when you book me a seat / for long journeys
values: a window seat / an aisle seat / a seat in the quiet coach / a seat near the door

music
for: while I work / as background music / when I have to concentrate
values: baroque music / ambient electronic music / jazz trios / complete silence / film scores

workout-time
for: for exercise / when it comes to working out / for my training
values: early mornings / the lunch break / late evenings / weekends only

reading
for: to read in bed / at bedtime, to read / as bedtime reading
values: crime novels / biographies / science fiction / poetry / history books

holiday
for: for holidays / when we plan a holiday / for time off
values: the mountains / the seaside / city trips / a cabin by a lake

paper
for: for reading books / when I buy a book / to read on
values: printed paperbacks / an e-reader / audiobooks

commute
for: to get to work / for my commute / as my way to the office
values: the bicycle / the tram / the car / walking / the regional train

pizza
for: on pizza / when we order pizza / as a topping
values: anchovies and capers / mushrooms / just tomato and basil / spicy salami / goat cheese and pear

meeting
for: for talks with clients / when somebody wants to meet me / for appointments
values: video calls / meeting in person / plain phone calls

summary
for: when you sum things up for me / in your answers / for the answers you write
values: bullet points / short paragraphs / a table / one single sentence

temperature
for: in the bedroom at night / for sleeping, as room temperature / at night
values: sixteen degrees / eighteen degrees / twenty degrees / twenty-one degrees

shoes
for: for hiking / on my feet in the hills / when I go hiking
values: light trail shoes / leather boots / sandals / mid-cut waterproof boots

cuisine
for: when we eat out / for dinner with friends in town / as a restaurant
values: Vietnamese food / Georgian food / Greek food / Ethiopian food / Peruvian food

milk
for: in my coffee / as milk / in porridge and coffee
values: oat milk / whole milk / soy milk / almond milk
""")

FACTS = topics("""
home
np: my home town / the town I live in / the place where I live
own: I live in {v} / My flat is in {v} / I'm living in {v}, [in the old town|near the station|by the park]
turn: I moved to {new} / We've moved from {old} to {new} / I've left {old} and live in {new} now
drop: I don't live in {old} any more / I've moved away from {old}
values: {city1} / {city2} / {city3} / {city4}

employer
np: my employer / the company I work for / my job
own: I work at {v} / I'm employed at {v} / {v} is where I work
turn: I started a new job at {new} / I left {old} and now work at {new} / My employer is {new} from this month on
drop: I quit at {old} / I no longer work at {old}
values: Halden Optics / the Brightwater Trust / Corvid Press / Meridian Freight / Lumen Labs

dentist
np: my dentist / the dentist I go to
own: I'm a patient of {v} for my teeth / {v} looks after my teeth
turn: I've changed dentists, from {old} to {new} / My dentist is now {new}
drop: I no longer go to {old} for my teeth
values: Dr Okafor / Dr Lindqvist / Dr Marchetti / Dr Sato

phone
np: my phone / the phone I use
own: I have {v} as my phone / I use {v} to make calls
turn: I replaced {old} with {new} as my phone / My new phone is {new}, {old} is gone
values: a Fairphone / a Pixel / an iPhone mini / an old Nokia

bank
np: my bank / the bank my salary goes to
own: I keep my account at {v} / My current account is with {v}
turn: I've moved my account from {old} to {new} / My bank is {new} now
drop: I closed my account at {old}
values: Tidewater Bank / the Cooperative Savings Bank / Northgate Bank / Monzo

diet
np: my diet / the way I eat
own: I eat {v} / I'm on a {v} diet / I keep to a {v} diet
turn: I've changed my diet from {old} to {new} / I'm eating {new} from now on
drop: I'm not eating {old} any longer / I gave up the {old} diet
values: vegetarian / vegan / pescatarian / low-carb / gluten-free

notes
np: my note-taking app / the app I keep notes in
own: I keep my notes in {v} / All my notes are in {v}
turn: I switched from {old} to {new} for my notes / My notes are in {new} now, not in {old}
drop: I stopped using {old} for notes
values: Obsidian / Notion / plain text files / Joplin / Apple Notes

car
np: my car / the car we drive
own: I drive {v} / We have {v} as our car
turn: I sold {old} and bought {new} / Our car is now {new}
values: a blue Skoda / an electric Renault / a small Fiat / a Volvo estate

gym
np: my gym / the gym I'm a member of
own: I'm a member at {v} / I train at {v}
turn: I've changed gyms, from {old} to {new} / My gym is {new} now
drop: I cancelled my membership at {old}
values: Ironworks / the Riverside Gym / Studio Nine / FitBox

anniversary
np: our anniversary party / the day of our anniversary party
own: We celebrate our anniversary on {v} / The anniversary party takes place on {v}
turn: The anniversary party was moved from {old} to {new} / Our anniversary party is now on {new}
values: the 12th of May / the 3rd of June / the 21st of June / the 9th of July

doctor
np: my family doctor / my GP
own: I'm registered with {v} as my GP / {v} is the doctor I see
turn: {old} retired, {new} is my GP now / I have a new family doctor, {new}
values: Dr Achterberg / Dr Mbeki / Dr Novak / Dr Pereira

internet
np: my internet provider / the company our internet comes from
own: Our internet comes from {v} / We have a line with {v}
turn: We switched our internet from {old} to {new} / Our provider is {new} now
drop: We cancelled the contract with {old}
values: Zennet / FibreOne / Skylink / Quickwave

class-day
np: my evening course / the day of my evening course
own: My evening course takes place on {v} / The evening course is on {v}
turn: My evening course was moved from {old} to {new} / The evening course is on {new} now
values: Mondays / Tuesdays / Wednesdays / Thursdays

language
np: my new language / the language I'm learning
own: I'm learning {v} / I take courses in {v}
turn: I gave up {old} and started {new} / I'm learning {new} now instead of {old}
drop: I stopped learning {old}
values: Portuguese / Japanese / Welsh / Turkish / Swedish

desk
np: my place in the office / my seat at work
own: I sit {v} at work / My desk is {v}
turn: My desk was moved, I sit {new} now / I no longer sit {old} but {new}
values: on the second floor / beside the kitchen / in the annexe / by the north window

locker
np: my bicycle lock's code / the code of my bicycle lock
own: My bicycle lock opens with {v} / The bicycle lock has the code {v}
turn: I changed the code of the bicycle lock to {new} / The bicycle lock's code is now {new}, not {old}
values: 4417 / 9052 / 2836 / 7701

manager
np: my manager / the person I report to
own: I report to {v} / {v} is my boss
turn: I report to {new} now, {old} has left / My manager changed from {old} to {new}
values: Ingrid / Mr Castellanos / Dr Bhatt / Joanna

insurance
np: my health insurance / the health insurance I have
own: I'm insured with {v} / My health insurance is with {v}
turn: I changed my health insurance from {old} to {new} / I'm insured with {new} now
values: Helvita / Union Mutual / Prima Care / BlueLeaf

alarm
np: my alarm on weekdays / the alarm time on weekdays
own: On weekdays my alarm is set for {v} / I get up at {v} on weekdays
turn: I moved my weekday alarm from {old} to {new} / On weekdays the alarm now rings at {new}
values: 5:45 / 6:30 / 7:10 / 8:00

wifi
np: our Wi-Fi network / the name of our Wi-Fi
own: Our Wi-Fi is called {v} / At home the network to join is {v}
turn: We renamed the Wi-Fi from {old} to {new} / The Wi-Fi is called {new} now
values: lanternfish / attic-5g / NoodleNet / pigeonhole
""")

LOOSE = lines("""
[Today|Just today|Only this once], as an exception: {other} {for}
{person} prefers {other} {for}
My {relative} swears by {other} {for}
Back at school it was {other} {for}, how times change
Read an article about why people like {other}, not my thing
I also don't mind {other} now and then {for}
{person} asked what I thought of {other}, I shrugged
""")
ALSO = lines("""
{person}'s {thing} is {other}
My {relative}'s {thing} is {other}
{somebody} asked me about {other}, no idea
[Long ago|Ages ago|Decades back] my {thing} was {other}, nobody remembers
Thought for a minute about {other} as my {thing}, but nothing comes of it
A leaflet for {other} was in the letterbox
{person} warned me about {other}
""")
