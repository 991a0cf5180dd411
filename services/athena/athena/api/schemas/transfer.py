"""Exporting and importing the memory, over HTTP."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from athena.api.schemas.answers import Answer
from athena.api.schemas.fields import Flag, Name
from athena.api.schemas.memories import Body
from athena.memory.transfer import Imported
from athena.memory.transfer.report import Why


class ExportQuery(Body):
    project: Name | None = Field(None, description="Only this project; unset: all of them.")


class ImportQuery(Body):
    # In a query string everything is text.
    dry_run: bool = Field(False, description="Only say what would become of each line.")
    revive: bool = Field(False, description="Also take in what was forgotten here.")


class LeftOutView(Answer):
    """`duplicate`: another memory here says the same. `forgotten`: it was forgotten here. `different`: something else
    has its id here. `diverged`: here, another one superseded it; both are kept. `remembered`: a tombstone of
    something that is still here. `missing`: it speaks of a memory, `id`, that isn't here."""

    line: int
    id: str
    why: Why


class ImportReport(Answer):
    """Counts of memories, each version of one by itself."""

    memories: int = Field(description="How many there were in the file.")
    created: int = Field(description="New here; each is found by meaning once its vector is there.")
    known: int = Field(description="Here already, and the same.")
    superseded: int = Field(description="Here already; what became of it since, by the file, is so here now, too.")
    duplicates: int
    forgotten: int
    conflicts: int
    tombstones: int = Field(description="Of forgotten memories, new here.")
    evidence: int = Field(description="Of what patterns were concluded from, new here.")
    twins: int = Field(description="Of memories in nearly the same words, new here.")
    reviews: int = Field(description="Of memories to be looked at, new here.")
    rejections: int = Field(description="Of patterns that aren't to be found again, new here.")
    missing: int = Field(description="Lines of these four kinds that speak of memories which aren't here.")
    left_out: list[LeftOutView] = Field(description="The first hundred lines that weren't taken in, and why.")
    dry_run: Flag

    @classmethod
    def of(cls, imported: Imported) -> Self:
        return cls.model_validate(imported)
