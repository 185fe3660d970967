"""The settings of one server: their meaning, where they come from, and whether they are safe."""

from keystead.server.installation.config.addresses import Address, Network, parse_address
from keystead.server.installation.config.checking import check
from keystead.server.installation.config.reading import load
from keystead.server.installation.config.reference import as_toml, descriptions, reference
from keystead.server.installation.config.settings import READ_AGAIN, Config

__all__ = (
    "READ_AGAIN", "Address", "Config", "Network", "as_toml", "check", "descriptions",
    "load", "parse_address", "reference",
)  # fmt: skip
