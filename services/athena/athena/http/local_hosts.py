"""Which hosts are this machine, this stack, or declared to be as good as that. No name is ever looked up."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from athena.config import Settings

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class LocalHosts:
    """Loopback, `declared` (names, addresses, networks such as 192.168.1.0/24) and the hosts of the stack's
    `services`.

    A service's URL alone declares nothing: it may name anybody's server. Its host counts where it can only
    be near: a bare name, as containers of one network call each other, or an address that isn't routed on
    the internet. Any other has to be declared.
    """

    def __init__(self, declared: Iterable[str] = (), services: Iterable[str] = ()) -> None:
        self._names = set(_LOOPBACK)
        self._networks: list[_Network] = []
        for each in declared:
            network = _network(each)
            if network is None:
                self._names.add(each.lower())
            else:
                self._networks.append(network)
        self._names.update(host for url in services if _is_near(host := (urlsplit(url).hostname or "")))
        self._known: dict[str, bool] = {}

    @classmethod
    def of(cls, settings: Settings) -> LocalHosts:
        """`host` is where this Athena itself listens; providers of the user's own are local if they are called so."""
        own = [urlsplit(each.url).hostname or "" for each in settings.providers.values() if each.local]
        services = (settings.embeddings_url, settings.reasoning_url, settings.compressor_url, settings.ollama_url)
        return cls((settings.host, *settings.local_hosts, *own), services)

    def __contains__(self, host: str, /) -> bool:
        known = self._known.get(host)
        if known is None:
            known = self._look(host)
            # Hosts come from settings, not from requests; even so it must not grow without end.
            if len(self._known) < 1024:
                self._known[host] = known
        return known

    def _look(self, host: str) -> bool:
        name = host.lower().strip("[]")
        if name in self._names:
            return True
        address = _address(name)
        return address is not None and (address.is_loopback or any(address in each for each in self._networks))


def _address(name: str) -> _Address | None:
    try:
        return _unmapped(ipaddress.ip_address(name))
    except ValueError:
        # Only the usual notation: what the system may read as an address besides (127.1, 0x7f000001) isn't local here.
        return None


def _unmapped(address: _Address) -> _Address:
    """::ffff:127.0.0.1 is 127.0.0.1."""
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _network(text: str) -> _Network | None:
    try:
        address = _address(text)
        return ipaddress.ip_network(address if address is not None else text, strict=False)
    except ValueError:
        return None


def _is_near(host: str) -> bool:
    address = _address(host)
    if address is not None:
        return address.is_loopback or address.is_private or address.is_link_local
    return bool(host) and "." not in host and ":" not in host
