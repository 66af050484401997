import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import CorruptError
from yori.prove.manifest import read_manifest, splits_text
from yori.splits import Cell


@given(st.lists(st.sampled_from("tve-"), min_size=1, max_size=30), st.integers(0, 5))
def test_round_trip(tmp_path_factory, letters, seed):
    path = tmp_path_factory.mktemp("m") / "splits.json"
    parts = [np.flatnonzero(np.array(letters) == letter) for letter in "tve"]
    ids = np.array([f"요리 {number}\n" for number in range(len(letters))], dtype=object)
    groups = [f"g{number // 2}" for number in range(len(letters))]
    cell = Cell("lodo:가", seed, *parts)
    path.write_text(splits_text([cell], ids, groups), encoding="utf-8")
    found = read_manifest(path)
    assert found.ids.tolist() == ids.tolist()
    assert found.groups.tolist() == groups
    (back,) = found.cells
    assert (back.protocol, back.seed) == ("lodo:가", seed)
    for part, wanted in zip((back.train, back.validation, back.test), parts, strict=True):
        assert part.tolist() == wanted.tolist()
    assert found.recorded == (cell.sha256(ids),) == (back.sha256(found.ids),)


GOOD = {
    "format": 1,
    "ids": ["a", "b"],
    "groups": ["a", "b"],
    "cells": [{"protocol": "id", "seed": 0, "sha256": "0", "assignment": "te"}],
}


def test_the_smallest_one(tmp_path):
    (tmp_path / "splits.json").write_text(json.dumps(GOOD))
    assert read_manifest(tmp_path / "splits.json").cells[0].test.tolist() == [1]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "{}",
        json.dumps({**GOOD, "groups": ["a"]}),
        json.dumps({**GOOD, "cells": [{**GOOD["cells"][0], "assignment": "t"}]}),
        json.dumps({**GOOD, "cells": [{**GOOD["cells"][0], "seed": None}]}),
        json.dumps({**GOOD, "cells": [{"protocol": "id"}]}),
        json.dumps({**GOOD, "cells": 3}),
    ],
)  # fmt: skip
def test_damage_is_one_error(text, tmp_path):
    (tmp_path / "splits.json").write_text(text)
    with pytest.raises(CorruptError, match=r"splits\.json"):
        read_manifest(tmp_path / "splits.json")


def test_no_file(tmp_path):
    with pytest.raises(CorruptError):
        read_manifest(tmp_path / "splits.json")
