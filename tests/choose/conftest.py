"""Projects of embeddings in which some examples have no label."""

from collections.abc import Callable
from pathlib import Path

import pytest

from yori.store import Project


def columns_with_gaps(n: int, every: int = 3) -> dict:
    """Columns of `tests.prove.mixture`; every so manieth group of three has no label."""
    from tests.prove.mixture import columns, mixture

    given = columns(mixture(n))
    labels = [
        None if int(group[1:]) % every == 0 else label
        for group, label in zip(given["group"], given["label"], strict=True)
    ]
    return {"label": labels, "verified": None}


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Project]:
    """``make(n, **changed columns)``: a project of three domains and groups of three."""
    from tests.prove.mixture import make_small

    def made(n: int = 180, *, folder: str = "project", **changed: object) -> Project:
        return make_small(tmp_path / folder, n=n, **{**columns_with_gaps(n), **changed})

    return made


@pytest.fixture(scope="session")
def half_labelled(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """240 examples of four classes, a third without a label. Read only, except for what selection adds."""
    from tests.prove.mixture import make_small

    return make_small(tmp_path_factory.mktemp("half") / "project", n=240, **columns_with_gaps(240))
