"""Instances in EC2's words: what is known of them, and which profile each of them has."""

from keystead.network.instances import associations, defaults, instances, resources

__all__ = ("associations", "defaults", "instances", "resources")
