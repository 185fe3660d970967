"""Which account may have endpoints in a VPC?  The operator's list, if there is one.

Nobody manages VPCs here, so an id says nothing by itself. With a list, each id belongs to one
account, and an id that is not listed to none. Without a list an id belongs to the account and
Region whose endpoint names it first (`operations.creation`).
"""

from collections.abc import Mapping


class Vpcs:
    """The VPCs that the operator lists, each with its account."""

    __slots__ = ("_owners",)

    def __init__(self, owners: Mapping[str, str]) -> None:
        """`owners`: the account of each id; empty if there is no list."""
        self._owners = owners

    def use(self, owners: Mapping[str, str]) -> None:
        """Take this list from now on. The caller drops every cached endpoint."""
        self._owners = owners

    def may_have(self, account: str, vpc_id: str) -> bool:
        """May this account have endpoints in this VPC, as far as the list says?"""
        return not self._owners or self._owners.get(vpc_id) == account
