"""Where do persons come in?  The listener of the console, and the calls of its pages.

It is loaded only when the console is configured: what it needs takes time and memory.
"""

from keystead.server.console.opening import Console

__all__ = ("Console",)
