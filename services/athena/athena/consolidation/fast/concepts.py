"""Words for the things that people have one of at a time: "my employer" and "where I work" are about the same."""

from __future__ import annotations

from athena.compression.extract.words import stem

_WORDS = """
work: work works job employer employed company firm hired position
home: live lives living home hometown moved reside flat apartment address relocated
holiday: holiday holidays vacation vacations trip trips
car: car drive drives vehicle
phone: phone smartphone mobile handset
doctor: gp doctor physician
dentist: dentist teeth
gym: gym train training membership
alarm: alarm wake
bank: bank account salary
diet: diet eat eats eating
notes: notes note-taking
restaurant: restaurant restaurants dine dining
commute: commute commuting
manager: manager boss report reports supervisor
insurance: insurance insured insurer
internet: internet broadband provider wi-fi wifi network
learning: learning lessons course courses
desk: desk seat sit
breakfast: breakfast morning
sleep: sleep sleeping bedroom bedtime
owner: owner owns responsible maintainer maintains
database: database db data
timeout: timeout time-out times-out
version: version release
schedule: starts begins start begin scheduled
alerts: alerts alert alerting
merge: merge merging merges pull
branch: branch branches branching
editor: editor ide
style: indentation indenting indent formatting formatter format
commit: commit commits
tests: tests testing test
docs: docs documentation document
meeting: meeting meetings appointment appointments
name: name named called
exercise: exercise exercising workout working-out training
coffee: coffee espresso
study: study studies studying degree major enrolled university
bike: bike bicycle ride rides riding
mail: mail email e-mail
partner: partner dating couple girlfriend boyfriend fiance
housemate: flatmate roommate housemate flat-mate share
landlord: landlord landlady
rent: rent
instrument: instrument instruments
school: school
streaming: streaming
"""

_OF: dict[str, str] = {}
for _line in _WORDS.strip().splitlines():
    _name, _, _said = _line.partition(": ")
    for _word in _said.split():
        _OF.setdefault(stem(_word) if _word.isalpha() else _word, _name)


def of(stems: frozenset[str]) -> frozenset[str]:
    """The concepts that these stems speak of."""
    return frozenset(_OF[each] for each in stems if each in _OF)
