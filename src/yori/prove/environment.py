"""Where a proof was made: versions, and a hash of the code itself."""

from __future__ import annotations

import functools
import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yori

PACKAGES = ("numpy", "scipy", "pyarrow", "soundfile", "soxr", "safetensors")


def environment() -> dict[str, str]:
    """Versions of yori, Python and the packages that compute, and the kind of machine."""
    found = {"yori": yori.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # pragma: no cover - all are dependencies
            found[name] = "missing"
    return {**found, "platform": f"{platform.system()} {platform.machine()}"}


@functools.cache
def code_sha256() -> str:
    """Hash of every Python file of the package: two proofs with the same one ran the same code."""
    root = Path(yori.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\x00")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
