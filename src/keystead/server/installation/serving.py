"""How is the server?  The word that `/readyz` says: up, down, sealed or draining."""


class Serving:
    """Can it serve, and if not, why?"""

    __slots__ = ("word",)

    def __init__(self) -> None:
        self.word = "up"

    @property
    def ready(self) -> bool:
        """Can requests be served?"""
        return self.word == "up"
