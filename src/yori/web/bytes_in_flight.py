"""A bound on the bytes of all requests together: what is under way must fit into memory."""

from __future__ import annotations

from dataclasses import dataclass

MOST_TOGETHER = 512 * 2**20


@dataclass
class BytesInFlight:
    """How many bytes the requests under way hold, and how many requests were turned away for it.

    A request holds what it announces from the moment it is admitted, and what it sends where it announces nothing, until it is
    answered. One that is alone always passes: its own size has a limit of its own.

    Parameters
    ----------
    most
        Bytes of all requests together.

    Examples
    --------
    >>> room = BytesInFlight(most=100)
    >>> room.take(80), room.take(30), room.held, room.refused
    (True, False, 80, 1)
    >>> room.give_back(80)
    >>> room.take(300), room.held
    (True, 300)
    """

    most: int = MOST_TOGETHER
    held: int = 0
    refused: int = 0

    def take(self, count: int, *, mine: int = 0) -> bool:
        """Hold so many bytes more, beside those that this request holds already; False: there is no room for them."""
        others = self.held - mine
        if count > 0 and others > 0 and self.held + count > self.most:
            self.refused += 1
            return False
        self.held += count
        return True

    def give_back(self, count: int) -> None:
        """Let go of what a request held."""
        self.held -= count
