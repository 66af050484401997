"""The JSON that others watch, written in one step."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yori.store import atomic


def write_json(fields: Mapping[str, Any], path: Path) -> None:
    """Write an object to a file that others watch; what was there is replaced in one step."""
    atomic.replace_file(path, json.dumps(finite(fields), ensure_ascii=False, indent=1).encode())


def finite(value: Any) -> Any:
    """The same with null in the place of what is no number."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): finite(each) for key, each in value.items()}
    return [finite(each) for each in value] if isinstance(value, list | tuple) else value
