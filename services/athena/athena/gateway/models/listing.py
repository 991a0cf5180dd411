"""The answers to `GET /v1/models` and `GET /v1/models/{id}`, in the form of either surface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from athena.errors import InvalidInput, NotFound
from athena.gateway.models import prices
from athena.gateway.models.registry import Registry
from athena.gateway.types import Json, Model, Wire

# When a model was released isn't known here; both formats want a moment all the same.
_CREATED_AT, _CREATED = "1970-01-01T00:00:00Z", 0
_PAGE, _LONGEST_PAGE = 20, 1_000


@dataclass(frozen=True, slots=True)
class _Entry:
    id: str
    title: str
    owner: str
    model: Model | None


# Whose models are called by their own names alone: those of the company whose clients ask in its own form.
_OWN = {"anthropic": "anthropic", "openai": "openai"}


def listing(
    registry: Registry,
    wire: Wire,
    query: Mapping[str, str],
    spendable: frozenset[str],
    offered: Mapping[str, Sequence[str]] = {},
) -> Json:
    """All names that a request of this caller may give as its model: `auto`, tiers, aliases, models. `offered`: what
    providers list themselves, by their names. Anthropic's form comes in pages: `limit`, `after_id`, `before_id`.
    Raises `InvalidInput`."""
    entries = list(_entries(registry, wire, spendable, offered))
    if wire == "openai":
        return {"object": "list", "data": [_openai(each) for each in entries]}
    first, end = _page(entries, query)
    page = entries[first:end]
    return {
        "data": [_anthropic(each) for each in page],
        "has_more": len(entries) > end if "before_id" not in query else first > 0,
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
    }


def one(registry: Registry, wire: Wire, id: str, spendable: frozenset[str]) -> Json:
    """Raises `NotFound`."""
    entry = next((each for each in _entries(registry, wire, spendable, {}) if each.id == id), None)
    if entry is None:
        target = registry.resolve(id)
        if target is None:
            raise NotFound(f"no model is called {id!r}", hint=_hint(registry, id))
        model = target.models[0] if target.kind == "model" else None
        entry = _Entry(id, _title(model) if model else target.name, model.provider.name if model else "athena", model)
    return _openai(entry) if wire == "openai" else _anthropic(entry)


def _hint(registry: Registry, id: str) -> str:
    near = registry.near(id)
    return f"did you mean {' or '.join(near)}?" if near else "GET /v1/models lists them"


def _entries(
    registry: Registry, wire: Wire, spendable: frozenset[str], offered: Mapping[str, Sequence[str]]
) -> Iterator[_Entry]:
    yield _Entry("auto", "Athena chooses", "athena", None)
    for tier in registry.tiers:
        yield _Entry(tier.name, f"Tier {tier.name}: {', '.join(each.name for each in tier.models)}", "athena", None)
    for alias, target in registry.aliases.items():
        yield _Entry(alias, f"Alias of {target}", "athena", registry.model(alias))
    listed = [*registry.local_models, *(model for tier in registry.tiers for model in tier.models)]
    for provider, ids in offered.items():
        listed += [model for id in ids if (model := registry.model(f"{provider}/{id}")) is not None]
    for model in {each.name: each for each in listed}.values():
        name = model.provider.name
        if model.provider.local or name in spendable:
            yield _Entry(model.id if name == _OWN[wire] else model.name, _title(model), name, model)


def _title(model: Model) -> str:
    place = "local" if model.provider.local else model.provider.name
    return f"{prices.title(model.provider, model.id) or model.id} ({place})"


def _openai(entry: _Entry) -> Json:
    extra = {"context_window": entry.model.context} if entry.model and entry.model.context else {}
    return {"id": entry.id, "object": "model", "created": _CREATED, "owned_by": entry.owner, **extra}


def _anthropic(entry: _Entry) -> Json:
    extra: dict[str, Json] = {}
    if entry.model is not None:
        extra = {"max_input_tokens": entry.model.context, "max_tokens": entry.model.output}
    extra = {name: value for name, value in extra.items() if value is not None}
    return {"type": "model", "id": entry.id, "display_name": entry.title, "created_at": _CREATED_AT, **extra}


def _page(entries: list[_Entry], query: Mapping[str, str]) -> tuple[int, int]:
    """(place of the first, place behind the last)."""
    given = query.get("limit", str(_PAGE))
    if not given.isdecimal() or not 1 <= int(given) <= _LONGEST_PAGE:
        raise InvalidInput(f"limit: must be between 1 and {_LONGEST_PAGE}")
    limit = int(given)
    places = {each.id: place for place, each in enumerate(entries)}
    after, before = query.get("after_id"), query.get("before_id")
    for name, id in (("after_id", after), ("before_id", before)):
        if id is not None and id not in places:
            raise InvalidInput(f"{name}: no model is called {id!r}")
    if before is not None:
        return max(0, places[before] - limit), places[before]
    first = places[after] + 1 if after is not None else 0
    return first, first + limit
