"""Words about findings in each language, from ``audit_wording.yaml``; the rest comes from the words of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from yori.report import number_text
from yori.report.wording import Words


@lru_cache(maxsize=1)
def audit_catalogue() -> Mapping[str, Mapping[str, str]]:
    """Name of every string about findings → language → text."""
    import yaml

    return yaml.safe_load(files("yori.report").joinpath("audit_wording.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class AuditWords(Words):
    """`Words` that also knows the strings of an audit.

    Examples
    --------
    >>> AuditWords("en")("severity.high"), AuditWords("ko")("severity.high"), AuditWords("en")("page.language")
    ('high', '높음', 'English')
    """

    def __call__(self, name: str, /, **values: object) -> str:
        """The text of a name, with its places filled in."""
        known = audit_catalogue().get(name)
        return super().__call__(name, **values) if known is None else known[self.language].format(**values)

    def known(self, name: str, otherwise: str) -> str:
        """The text of a name that comes from data, or ``otherwise`` where neither catalogue has one."""
        return self(name) if name in audit_catalogue() else super().known(name, otherwise)

    def finding(self, part: str, kind: str, code: str, values: Mapping[str, Any]) -> str:
        """``evidence``, ``action`` or ``effect`` of a finding: the sentence of its code, otherwise that of its kind.

        Examples
        --------
        >>> AuditWords("en").finding("evidence", "audio_fault", "constant", {})
        'All samples are equal: digital silence.'
        """
        for name in (f"{part}.{code}", f"{part}.{kind}"):
            if name in audit_catalogue():
                shown = {key: _shown(value) for key, value in values.items()}
                if "fault" in shown:
                    shown["fault"] = self.known(f"fault.{values['fault']}", shown["fault"])
                return self(name, **shown)
        return ""


def _shown(value: Any) -> str:
    """A value inside a sentence."""
    if isinstance(value, bool) or value is None:
        return number_text.NONE if value is None else str(value)
    if isinstance(value, int):
        return number_text.count(value)
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
