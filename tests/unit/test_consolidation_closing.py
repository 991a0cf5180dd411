"""What ends the truth of a statement, and what only stands beside it."""

from __future__ import annotations

import pytest

from athena.consolidation.closing import replaces


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("I live in Hamburg", "I live in Bremen"),
        ("My dentist is Dr. Weber", "My dentist is Dr. Okafor."),
        ("The limit is 100 requests per minute", "The limit is 1000 requests per minute"),
        ("I take 5 mg of the medicine", "I take 50 mg of the medicine"),
        ("Ada: I prefer tea to coffee", "Ada: I now prefer coffee to tea"),
        ("User wants tabs", "User wants spaces instead of tabs"),
        ("The staging port is 8080", "staging has moved to port 9090"),
        ("I eat meat", "I don't eat meat any more"),
        ("Deploys start at 9:00", "Deploys start at 10:30"),
    ],
)
def test_what_says_that_it_changed_or_differs_in_the_value_alone(old: str, new: str) -> None:
    assert replaces(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("My daughter is called Anna", "My daughter is called Bea"),
        ("I speak French", "I speak German"),
        ("Invoice 1001 was paid", "Invoice 1002 was not paid"),
        ("The meeting room on floor 2 seats 8 people", "The meeting room on floor 3 seats 12 people"),
        ("I bought milk for 2 euros", "I bought bread for 3 euros"),
        ("Call Anna on Monday", "Call Bea on Monday"),
        ("Bob reports to Alice", "Send reports to Ana"),
        ("I have been to Rome", "I have been to Lisbon"),
        ("I like tea", "I like coffee now, too"),
        ("I work in Rome", "I also work in Turin"),
        ("The gate is green", "The gate is green"),
        ("", "now"[:0]),
        ("Ich wohne in Köln", "Ich wohne in Bonn"),
    ],
)
def test_what_may_hold_side_by_side(old: str, new: str) -> None:
    assert not replaces(old, new)
