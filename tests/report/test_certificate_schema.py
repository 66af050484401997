from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.report.sample import Sample

from yori.errors import CorruptError, NewerVersionError
from yori.report.certificate_schema import CERTIFICATE, Each, OneOf, Optional, first_wrong, read_certificate


def places(kind: Any, found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Path and kind of everything the tree names, along the first element of lists and maps."""
    if path:
        yield path, kind
    if isinstance(kind, Optional):
        if found is not None:
            yield from list(places(kind.kind, found, path))[1:]
    elif isinstance(kind, dict):
        for name, part in kind.items():
            yield from places(part, found.get(name), (*path, name))
    elif isinstance(kind, list) and found:
        yield from places(kind[0], found[0], (*path, 0))
    elif isinstance(kind, Each) and found:
        name = next(iter(found))
        yield from places(kind.kind, found[name], (*path, name))


def trimmed(found: Any) -> Any:
    """The same with one element in every list, which is all that is looked at here."""
    if isinstance(found, dict):
        return {name: trimmed(each) for name, each in found.items()}
    return [trimmed(each) for each in found[:1]] if isinstance(found, list) else found


def put(found: Any, path: tuple[Any, ...], value: Any) -> None:
    for step in path[:-1]:
        found = found[step]
    found[path[-1]] = value


def test_the_sample_is_a_certificate(sample: Sample) -> None:
    assert read_certificate(sample.proof / "certificate.json") == sample.certificate


def test_anything_of_another_kind_is_refused_and_named_unless_it_may_be_null(sample: Sample) -> None:
    checked = 0
    small = trimmed(sample.certificate)
    assert first_wrong(small, CERTIFICATE) is None
    for path, kind in places(CERTIFICATE, small):
        changed = copy.deepcopy(small)
        put(changed, path, None)
        wrong = first_wrong(changed, CERTIFICATE)
        assert (wrong is None) == isinstance(kind, Optional), path
        put(changed, path, {1})  # no JSON value has this type
        wrong = first_wrong(changed, CERTIFICATE)
        assert wrong is not None, path
        last = next(step for step in reversed(path) if isinstance(step, str))
        assert last in wrong[0], path
        checked += 1
    assert checked > 120


@pytest.mark.parametrize("name", ["truth", "leakage_gap", "stability", "requirements"])
def test_optional_parts_may_be_missing(sample: Sample, name: str) -> None:
    changed = {key: value for key, value in sample.certificate.items() if key != name}
    assert first_wrong(changed, CERTIFICATE) is None


@pytest.mark.parametrize("name", ["alarm", "coverage_at_risk"])
def test_certificates_from_before_these_were_kept_still_open(sample: Sample, name: str) -> None:
    changed = copy.deepcopy(sample.certificate)
    for protocol in changed["protocols"].values():
        del protocol[name]
    assert first_wrong(changed, CERTIFICATE) is None


def test_words_and_flags() -> None:
    assert first_wrong(True, int) == ("", "int", "True")
    assert first_wrong(1, bool) == ("", "bool", "1")
    assert first_wrong(1, float) is None
    assert first_wrong("better", OneOf(("improved", "worse"))) == ("", "one of improved, worse", "'better'")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_certificate(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "certificate.json").write_bytes(content)
    with pytest.raises(CorruptError, match="certificate"):
        read_certificate(tmp_path / "certificate.json")
    with pytest.raises(CorruptError, match="No such file"):
        read_certificate(tmp_path / "none.json")


def test_a_newer_certificate_is_said_to_be_newer(tmp_path: Path) -> None:
    (tmp_path / "certificate.json").write_text(json.dumps({"format": 2}))
    with pytest.raises(NewerVersionError, match="format 2"):
        read_certificate(tmp_path / "certificate.json")


def test_the_primary_protocol_must_be_there(sample: Sample, tmp_path: Path) -> None:
    changed = copy.deepcopy(sample.certificate)
    changed["protocols"].pop(changed["primary"]["protocol"])
    (tmp_path / "certificate.json").write_text(json.dumps(changed))
    with pytest.raises(CorruptError, match="primary"):
        read_certificate(tmp_path / "certificate.json")
