"""All models by all their names, as things are at one moment. Never changed: a request that began with it ends with
it, and the next one may find another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from athena.errors import InvalidSetting
from athena.gateway.models import known, prices
from athena.gateway.models.known import Profile
from athena.gateway.models.names import WHATEVER, is_ollama_cloud, same_local, split, with_tag
from athena.gateway.models.providers import LOCAL, OLLAMA, OLLAMA_CLOUD
from athena.gateway.models.seen import OLLAMA_CONTEXT, Seen, ServerSeen
from athena.gateway.models.tiers import Tier, by_price, family, of_cloud
from athena.gateway.types import Model, Provider


@dataclass(frozen=True, slots=True)
class Given:
    """What models are worked out from. `stated`: the user's corrections, by pattern of `provider/model`, the first
    one first. `local_model`, `local_context`: what the local server is configured to serve, until it says itself."""

    providers: Mapping[str, Provider]
    tiers: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, str]
    local_model: str
    local_context: int
    stated: Mapping[str, Profile]
    llama: ServerSeen
    ollama: ServerSeen


class Snapshot:
    """Raises `InvalidSetting` for a tier's model that no provider has."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.tiers: tuple[Tier, ...] = ()
        self.tiers = tuple(
            Tier(name, tuple(self._in_tier(name, each) for each in models)) for name, models in given.tiers.items()
        )

    def exact(self, name: str) -> Model | None:
        """By `provider/model`, or by a model's own name: of a local server, of the catalogue, of a maker's series."""
        if name.casefold() == LOCAL:
            return self.at(LOCAL, name)
        provider, id = split(name)
        if provider is not None and provider.casefold() in self.given.providers:
            return self.at(provider.casefold(), id) if id else None
        served = self._served(name)
        if served is not None:
            return self.at(LOCAL, served.id)
        if self._tag(name) is not None:
            return self.at(OLLAMA, name)
        for each in known.names():
            listed, its_id = split(each)
            if listed is not None and its_id.casefold() == name.casefold():
                return self.at(listed, its_id)
        maker = prices.maker(name) if provider is None else None
        return self.at(maker, name) if maker is not None and maker in self.given.providers else None

    def at(self, provider: str, id: str) -> Model:
        """The model `id` of a provider that is known, whether or not anything is known of the model."""
        if provider == LOCAL:
            made = self._local(id)
        elif provider in (OLLAMA, OLLAMA_CLOUD):
            made = self._of_ollama(id)
        else:
            where = self.given.providers[provider]
            made = self._profile(where, id, Profile()).applied(Model(where, id))
        return replace(made, tier=self._tier_of(made))

    def local_models(self) -> list[Model]:
        """What the local servers have, llama-server's first."""
        found = [self.at(LOCAL, each.id) for each in self.given.llama.models]
        return found + [self.at(OLLAMA, each.id) for each in self.given.ollama.models]

    def unavailable(self, model: Model) -> str | None:
        """Why a local model can't answer, as far as its server has said; None for cloud models."""
        given = self.given
        if model.provider.name == LOCAL:
            if given.llama.state == "down":
                return given.llama.why
            served = [each.id for each in given.llama.models]
            if served and self._served(model.id) is None:
                return f"the local server serves {', '.join(served[:3])}"
        if model.provider.name in (OLLAMA, OLLAMA_CLOUD):
            if given.ollama.state != "up":
                return given.ollama.why
            return None if self._tag(model.id) else f"Ollama doesn't have it: ollama pull {model.id}"
        return None

    def unaliased(self, name: str) -> str:
        """What an alias stands for, or the name itself."""
        for _ in self.given.aliases:
            name = self.given.aliases.get(name.casefold(), name).strip()
        return name

    def _in_tier(self, tier: str, name: str) -> Model:
        found = self.exact(self.unaliased(name))
        if found is None:
            raise InvalidSetting(
                f"modelRouting.tiers.{tier}.models in athena.toml: {name!r} is no model; write it as provider/model "
                f"(providers: {', '.join(self.given.providers)})"
            )
        return replace(found, tier=tier)

    def _local(self, id: str) -> Model:
        given, where = self.given, self.given.providers[LOCAL]
        if id.casefold() in WHATEVER:
            id = given.llama.models[0].id if given.llama.models else given.local_model
        served = self._served(id)
        if served is None:
            return self._profile(where, id, Profile(context=given.local_context)).applied(Model(where, id))
        return self._profile(where, served.id, served.profile).applied(Model(where, served.id))

    def _of_ollama(self, id: str) -> Model:
        """A model that Ollama sends elsewhere is no local one, and has a provider that says so."""
        tag = self._tag(id)
        elsewhere = tag.elsewhere if tag is not None else is_ollama_cloud(id)
        where = self.given.providers[OLLAMA_CLOUD if elsewhere else OLLAMA]
        said = tag.profile if tag is not None else Profile(context=None if elsewhere else OLLAMA_CONTEXT)
        return self._profile(where, id, said).applied(Model(where, id))

    def _profile(self, provider: Provider, id: str, said: Profile) -> Profile:
        """What the server said of itself wins over what is listed, and the user over both."""
        found = said.over(known.listed(provider, id))
        name = f"{provider.name}/{id}".casefold()
        for glob, stated in reversed(list(self.given.stated.items())):
            if known.pattern(glob).match(name):
                found = stated.over(found)
        return found

    def profile(self, model: Model) -> Profile:
        """The ratings of a model, beside what it carries itself."""
        return self._profile(model.provider, model.id, Profile())

    def _served(self, name: str) -> Seen | None:
        return next((each for each in self.given.llama.models if same_local(name, each.id)), None)

    def _tag(self, id: str) -> Seen | None:
        wanted = with_tag(id).casefold()
        return next((each for each in self.given.ollama.models if each.id.casefold() == wanted), None)

    def _tier_of(self, model: Model) -> str | None:
        """The tier that lists it, else the one it would belong to by its name, else by its price."""
        for tier in self.tiers:
            if any(_same(each, model) for each in tier.models):
                return tier.name
        if model.provider.local:
            return next((tier.name for tier in self.tiers if any(each.provider.local for each in tier.models)), None)
        by_name = family(model.id, self.tiers)
        now = datetime.now().astimezone()
        cost = None if by_name else prices.price(model, now)
        if cost is None:
            return by_name
        return by_price(cost, self.tiers, {tier.name: prices.price(each, now) for tier, each in of_cloud(self.tiers)})


def _same(one: Model, other: Model) -> bool:
    """A dated name means the same model as the one without."""
    if one.provider.name != other.provider.name:
        return False
    if one.id.casefold() == other.id.casefold():
        return True
    listed = prices.canonical(one.provider, one.id)
    return listed is not None and listed == prices.canonical(other.provider, other.id)
