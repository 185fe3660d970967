"""The acts of the operator on this machine: on accounts, keys, instances, services and people."""

from keystead.server.installation.ceremonies.acts import perform

__all__ = ("perform",)
