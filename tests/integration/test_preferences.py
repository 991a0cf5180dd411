"""What keys and projects chose, in PostgreSQL: partly changed, soon felt, gone with the key."""

from __future__ import annotations

import asyncio

import pytest

from athena.errors import NotFound, StoreUnavailable
from athena.gateway.preferences import effective
from athena.store.keys import Keys
from athena.store.pool import Database
from athena.store.preferences import Choices, Preferences


async def test_only_what_is_named_changes(database: Database) -> None:
    await Keys(database).create("ada")
    preferences = Preferences(database)
    assert await preferences.change_key("ada", {"project": "p", "capture": True}) == Choices("p", capture=True)
    assert await preferences.change_key("ada", {"compress": False}) == Choices("p", compress=False, capture=True)
    assert await preferences.change_key("ada", {"capture": None, "memory_tokens": 200}) == Choices(
        "p", compress=False, memory_tokens=200
    )
    assert await preferences.change_project("p", {"memory": False}) == Choices(memory=False)
    assert await preferences.change_project("p", {"memory": None, "capture": True}) == Choices(capture=True)
    chosen = await Preferences(database).current()
    assert chosen.keys == {"ada": Choices("p", compress=False, memory_tokens=200)}
    assert chosen.projects == {"p": Choices(capture=True)}


async def test_a_change_is_felt_here_at_once_and_costs_no_query_after(database: Database) -> None:
    await Keys(database).create("ada")
    preferences = Preferences(database)
    assert (await effective(preferences, "ada", {})).compress
    await preferences.change_key("ada", {"compress": False, "project": "p"})
    now = await effective(preferences, "ada", {})
    assert (now.compress, now.project) == (False, "p")
    await database.close()
    database._dsn = "postgresql://nobody@/nothing?host=/nonexistent"
    assert await effective(preferences, "ada", {}) == now


async def test_what_was_known_holds_while_postgresql_is_away() -> None:
    away = Preferences(Database("postgresql://nobody@/nothing?host=/nonexistent"))
    with pytest.raises(StoreUnavailable):
        await away.current()
    defaults = await effective(away, "ada", {"x-athena-project": "p"})
    assert (defaults.compress, defaults.memory, defaults.capture) == (True, True, False)


async def test_a_key_that_goes_takes_its_choices_along(database: Database) -> None:
    keys, preferences = Keys(database), Preferences(database)
    await keys.create("ada")
    await preferences.change_key("ada", {"capture": True})
    await keys.revoke("ada")
    await keys.create("ada")
    assert (await Preferences(database).current()).keys == {}


async def test_nobody_chooses_for_a_key_that_is_not_there(database: Database) -> None:
    preferences = Preferences(database)
    with pytest.raises(NotFound, match="no key named eve"):
        await preferences.change_key("eve", {"capture": True})
    assert not await preferences.has_key("eve")
    assert not await preferences.clear_project("p")
    await preferences.change_project("p", {"capture": True})
    assert await preferences.clear_project("p")
    assert (await preferences.current()).projects == {}


async def test_changes_at_once_do_not_undo_each_other(database: Database) -> None:
    await Keys(database).create("ada")
    preferences = Preferences(database)
    changes: list[dict[str, object]] = [{"compress": False}, {"memory": False}, {"capture": True}, {"project": "p"}]
    await asyncio.gather(*(preferences.change_key("ada", change) for change in changes))
    assert (await preferences.current()).keys == {"ada": Choices("p", False, False, None, True)}
