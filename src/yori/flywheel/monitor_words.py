"""Words of the monitor's page, from ``monitor_wording.yaml``; what is not there comes from the words of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from yori.report.wording import Words


@lru_cache(maxsize=1)
def monitor_catalogue() -> Mapping[str, Mapping[str, str]]:
    """Name of every string → language → text."""
    import yaml

    return yaml.safe_load(files("yori.flywheel").joinpath("monitor_wording.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class MonitorWords(Words):
    """`Words` that also knows the strings of the monitor.

    Examples
    --------
    >>> MonitorWords("en")("word.alarm"), MonitorWords("ko")("word.alarm"), MonitorWords("en")("page.contents")
    ('Alarm', '경보', 'Contents')
    """

    def __call__(self, name: str, /, **values: object) -> str:
        """The text of a name, with its places filled in."""
        known = monitor_catalogue().get(name)
        return super().__call__(name, **values) if known is None else known[self.language].format(**values)

    def known(self, name: str, otherwise: str) -> str:
        """The text of a name that comes from data, or ``otherwise`` where neither catalogue has one."""
        return self(name) if name in monitor_catalogue() else super().known(name, otherwise)
