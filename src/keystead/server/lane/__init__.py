"""Which threads do the work that must not stop the loop, and how long may it wait?"""

from keystead.server.lane.gate import Gate
from keystead.server.lane.lane import Handed, Lane
from keystead.server.lane.pool import STRANGERS, party_of
from keystead.server.lane.promise import OnEnd, Promise

__all__ = ("STRANGERS", "Gate", "Handed", "Lane", "OnEnd", "Promise", "party_of")
