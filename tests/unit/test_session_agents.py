"""Agents' files: what they may say, and what becomes of those that say it wrongly."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from athena.errors import InvalidInput
from athena.gateway.sessions.agents import Agent, Agents, parsed


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name / "SOUL.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "fallback",
    [
        "fallback: [google/gemini-4-argon, local]",
        "fallback:\n  - google/gemini-4-argon\n  - local",
        "fallback:\n- 'google/gemini-4-argon'\n- \"local\"  # the last resort",
    ],
)
def test_front_matter_names_models_and_the_rest_is_who_it_is(fallback: str) -> None:
    text = f"---\n# mine\nname: Ada\nmodel: local/llama3.1:8b\n{fallback}\n---\n\nYou count beans.\n---\nAll of them.\n"
    assert parsed("ada", text) == Agent(
        "ada", "local/llama3.1:8b", ("google/gemini-4-argon", "local"), "You count beans.\n---\nAll of them."
    )


def test_everything_is_optional() -> None:
    assert parsed("a", "You count beans.") == Agent("a", None, (), "You count beans.")
    assert parsed("a", "---\nmodel:\nfallback: []\n---\n") == Agent("a", None, (), "")
    assert parsed("a", "---\r\nmodel: auto\r\n---\r\nHi\r\n").model == "auto"


def test_fields_of_other_programs_are_left_alone() -> None:
    text = "---\ntools:\n  - model: not-this\n  nested:\n    - x\ndescription: 'a: b'\nmodel: opus\n---\n"
    assert parsed("a", text).model == "opus"


@pytest.mark.parametrize(
    ("text", "named"),
    [("---\nmodel: x\n", "no end"), ("---\nmodel x\n---\n", "line 2"), ("---\nmodel: [a, b]\n---\n", "one name")],
)
def test_a_mistake_is_named(text: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        parsed("a", text)


def test_a_file_is_read_again_when_it_was_saved(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    path = write(tmp_path, "ada", "---\nmodel: opus\n---\n")
    first = agents.find("ada")
    assert first.model == "opus"
    assert agents.find("ada") is first
    path.write_text("---\nmodel: sonnet\n---\n")
    os.utime(path, ns=(1, 1))
    assert agents.find("ada").model == "sonnet"
    path.unlink()
    with pytest.raises(InvalidInput, match="no agent 'ada'"):
        agents.find("ada")


def test_an_agent_that_is_missing_is_a_400_that_lists_those_there_are(tmp_path: Path) -> None:
    write(tmp_path, "ada", "x")
    write(tmp_path, "bob", "x")
    with pytest.raises(InvalidInput, match="ada, bob") as raised:
        Agents(tmp_path).find("eve")
    assert raised.value.status == 400
    assert str(tmp_path / "eve" / "SOUL.md") in (raised.value.hint or "")
    with pytest.raises(InvalidInput, match="none yet"):
        Agents(tmp_path / "nowhere").find("eve")


@pytest.mark.parametrize("name", ["", "..", "../ada", "a/b", ".hidden", "a\x00", "x" * 65, "ä"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    write(tmp_path, "ada", "x")
    with pytest.raises(InvalidInput, match="no agent's name"):
        Agents(tmp_path / "ada").find(name)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "big", "x" * 300_000)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "SOUL.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder" / "SOUL.md").mkdir(parents=True)
    for name, why in (("big", "larger"), ("raw", "UTF-8"), ("folder", "can't be read")):
        with pytest.raises(InvalidInput, match=why):
            Agents(tmp_path).find(name)
