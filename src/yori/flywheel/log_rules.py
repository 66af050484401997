"""What the prediction log keeps, for how long, and what it lets go when it cannot keep up."""

from __future__ import annotations

from dataclasses import dataclass

from yori.errors import ValuesError

SAMPLED_OUT = "sampled out"
BUSY = "confident while busy"
FULL = "queue full"
NO_ROOM = "copy: too much waiting"
NOT_WRITTEN = "copy: not written"
REFUSED = "refused by the database"
CLOSED = "closed before written"
SHED_RULES = (SAMPLED_OUT, BUSY, FULL, NO_ROOM, NOT_WRITTEN, REFUSED, CLOSED)
"""Names under which sheds are counted; a ``copy`` was let go, its row was kept."""


@dataclass(frozen=True)
class LogRules:
    """Shares are of confident answers; what the model abstained from is what people should hear, so it is always kept.

    Whether an input falls into a share depends on its content only: the same input is kept always or never.

    Attributes
    ----------
    rows
        Share that gets a row at all.
    inputs
        Share whose input is copied to ``media/``.
    embeddings
        Share whose embedding is kept.
    private
        Embeddings only: no copy, no name of the input, and a hash of the embedding in place of that of the input. A hash
        of the name of its group, too: what belongs together stays together.
    days
        Copies and embeddings are forgotten after so many days; rows stay. None: never.
    most_bytes
        Of all copies together; the oldest are forgotten first.
    most_waiting, most_waiting_bytes
        Rows, and bytes of their copies, that wait in memory for the database.
    """

    rows: float = 1.0
    inputs: float = 0.1
    embeddings: float = 1.0
    private: bool = False
    days: float | None = 90.0
    most_bytes: int = 10 * 2**30
    most_waiting: int = 20_000
    most_waiting_bytes: int = 256 * 2**20

    def __post_init__(self) -> None:
        for name in ("rows", "inputs", "embeddings"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValuesError("a share between 0 and 1", str(getattr(self, name)), where=f"log {name}")
        if self.days is not None and not self.days > 0:
            raise ValuesError("a number of days > 0", str(self.days), where="log days")
        if self.most_waiting < 1 or self.most_waiting_bytes < 0 or self.most_bytes < 0:
            raise ValuesError("limits ≥ 0, and at least one row", "others", where="log limits")

    @property
    def busy(self) -> int:
        """From so many waiting rows on, only what the model abstained from is taken."""
        return max(1, self.most_waiting * 3 // 4)


def falls_into(share: float, sha256: str) -> bool:
    """Whether content belongs to a share, decided by its hash.

    Examples
    --------
    >>> falls_into(0.5, "00" * 32), falls_into(0.5, "ff" * 32), falls_into(0.0, "00" * 32), falls_into(1.0, "ff" * 32)
    (True, False, False, True)
    """
    return int(sha256[:13], 16) < share * 16**13
