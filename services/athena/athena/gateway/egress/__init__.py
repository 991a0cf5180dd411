"""The way out to providers."""

from athena.gateway.egress.egress import Egress
from athena.gateway.egress.policy import Limit, Policy
from athena.gateway.egress.trial import Exhausted, Trial
from athena.gateway.egress.upstream import Channel

__all__ = ["Channel", "Egress", "Exhausted", "Limit", "Policy", "Trial"]
