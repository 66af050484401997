"""Words of a report, in each language, from one catalogue: ``wording.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal, get_args

from yori.errors import ValuesError
from yori.report import number_text

Language = Literal["en", "ko"]


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Name of every string → language → text."""
    import yaml

    return yaml.safe_load(files("yori.report").joinpath("wording.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Words:
    """All strings of one language.

    Examples
    --------
    >>> Words("en")("verdict.improved"), Words("ko")("verdict.improved")
    ('improved', '개선됨')
    """

    language: Language

    def __post_init__(self) -> None:
        if self.language not in get_args(Language):
            known = " or ".join(get_args(Language))
            raise ValuesError(f"a language out of {known}", repr(self.language), where="report")

    def __call__(self, name: str, /, **values: object) -> str:
        """The text of a name, with its places filled in."""
        return catalogue()[name][self.language].format(**values)

    def count(self, name: str, number: int) -> str:
        """A counted noun: ``name.one`` for exactly one, otherwise ``name.many``.

        Examples
        --------
        >>> Words("en").count("n.examples", 1)
        '1 example'
        """
        return self(f"{name}.one" if number == 1 else f"{name}.many", n=number_text.count(number))

    def known(self, name: str, otherwise: str) -> str:
        """The text of a name that comes from data, or ``otherwise`` where the catalogue has none."""
        return self(name) if name in catalogue() else otherwise

    def metric(self, metric: str) -> str:
        """Name of a metric.

        Examples
        --------
        >>> Words("en").metric("risk@0.8"), Words("en").metric("aurc"), Words("en").metric("my_loss")
        ('Risk at 80 % coverage', 'AURC', 'my_loss')
        """
        name, at, part = metric.partition("@")
        if at:
            return (
                self(f"metric.{name}@", part=f"{100 * float(part):g}") if f"metric.{name}@" in catalogue() else metric
            )
        return self.known(f"metric.{metric}", metric)

    def arm(self, arm: str) -> str:
        """Name of an arm."""
        return self.known(f"arm.{arm.removeprefix('control:')}", arm)

    def stage(self, stage: str) -> str:
        """Name of a stage: before or after temperature scaling."""
        return self.known(f"stage.{stage}", stage)

    def protocol(self, protocol: str) -> str:
        """Name of a protocol; of one cell with its held-out domain."""
        kind, _, domain = protocol.partition(":")
        name = self.known(f"protocol.{kind}", kind)
        return f"{name}: {domain}" if domain else name

    def value(self, metric: str, number: float | None) -> str:
        """Value of a metric."""
        return number_text.value(metric, number)

    def change(self, metric: str, number: float | None) -> str:
        """Change of a metric, with its sign."""
        return number_text.change(metric, number, points=self("unit.points"))

    def interval(self, metric: str, low: float | None, high: float | None) -> str:
        """Interval of a change."""
        if low is None or high is None:
            return number_text.NONE
        return self("interval", low=self.change(metric, low), high=self.change(metric, high))
