"""Projects of embeddings in which some examples have no label."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
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


def several_labels(n: int = 180) -> dict:
    """Label sets of none to three of four classes, which sums of class centres show; every third group has no label."""
    rng = np.random.default_rng(3)
    truth = rng.random((n, 4)) < 0.35
    group = np.arange(n) // 3
    x = (truth @ (4 * np.eye(4, 16)) + rng.normal(size=(n, 16))).astype(np.float32)
    labels = [None if g % 3 == 0 else [c for c, there in zip("abcd", row, strict=True) if there]
              for g, row in zip(group, truth, strict=True)]  # fmt: skip
    return {
        "embeddings": x,
        "label": pa.array(labels, pa.list_(pa.string())),
        "verified": None,
        "group": [f"g{each:04}" for each in group],
    }


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """180 examples of several labels each, 60 without any. Read only, except for what selection adds."""
    from tests.prove.mixture import SMALL_TASK, make_small

    folder = tmp_path_factory.mktemp("several") / "project"
    return make_small(folder, n=180, task=SMALL_TASK + "labels: multiple\n", **several_labels())
