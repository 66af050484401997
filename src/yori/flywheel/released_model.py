"""A release: a head, its temperature and threshold, and the backbone, frozen together in ``releases/<release_id>/``.

``release.json`` (the manifest) names the other files with their SHA-256; the id of the release is the SHA-256 of the
manifest's own bytes. So whoever knows the id can tell whether anything has changed since.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Shaped

from yori.backbones import BACKBONES, Backbone, ShrunkWhitening
from yori.errors import CorruptError, InputError, NewerVersionError, ShapeError, StoreError
from yori.heads import LINKS
from yori.heads.curvature import logits_of
from yori.metrics import label_set_confidence, max_softmax
from yori.signal import log_mel as front_end
from yori.store import Project
from yori.store.hashes import sha256_bytes, sha256_file
from yori.store.npy import as_float32
from yori.store.paths import check_name

FORMAT = 1
FOLDER = "releases"
MANIFEST, HEAD, BACKBONE = "release.json", "head.safetensors", "backbone.safetensors"
LABEL_SEPARATOR = ";"
"""Between the labels of an example that has several."""


class Decisions(NamedTuple):
    """Answers for ``n`` inputs: the likeliest label, calibrated ``probs`` ``(n, c)``, confidence, and whether to abstain."""

    labels: Shaped[np.ndarray, " n"]
    probs: Float[np.ndarray, "n c"]
    confidence: Float[np.ndarray, " n"]
    abstained: Bool[np.ndarray, " n"]


@dataclass(frozen=True)
class Release:
    """A model that may be served. Safe to use from several threads.

    Attributes
    ----------
    release_id
        SHA-256 of the manifest.
    classes
        In the order of the columns of ``probs``.
    weight
        Of the head, ``(c, d + 1)``, bias last.
    temperature
        Logits are divided by it.
    threshold
        Below this confidence it abstains; ``inf``: always, ``-inf``: never.
    backbone
        From spectrograms to embeddings; None where embeddings are handed in.
    manifest
        What it was made of, see `yori.flywheel.new_release`.
    """

    release_id: str
    classes: tuple[str, ...]
    weight: Float32[np.ndarray, "c d1"]
    temperature: float
    threshold: float
    backbone: Backbone | None
    manifest: dict[str, Any]

    @property
    def dimensions(self) -> int:
        """Size of an embedding."""
        return int(self.weight.shape[1]) - 1

    @property
    def sample_rate(self) -> int:
        """Hz of the clips it hears.

        Raises
        ------
        InputError
            If it takes embeddings only.
        """
        self._hearing()
        return int(self.manifest["audio"]["sample_rate"])

    def decide(self, embeddings: Float[np.ndarray, "n d"]) -> Decisions:
        """Answer for embeddings ``(n, d)``.

        Raises
        ------
        ShapeError, ValuesError
            If they are not finite numbers of shape ``(n, d)``.
        """
        vectors = as_float32(embeddings, first_row=0, where="embeddings")
        if vectors.shape[1] != self.dimensions:
            raise ShapeError(
                f"embeddings of {self.dimensions} numbers each", f"{vectors.shape[1]}", where="embeddings",
                fix="Use the backbone that the release was made with.",
            )  # fmt: skip
        if len(vectors) == 0:
            none = np.zeros(0)
            return Decisions(np.zeros(0, object), np.zeros((0, len(self.classes))), none, none > 0)
        link = self.manifest["head"]["link"]
        logits = logits_of(vectors, self.weight).astype(np.float64) / self.temperature
        probs = LINKS[link].probs(logits)
        names = np.array(self.classes, dtype=object)
        if link == "softmax":
            labels, confidence = names[probs.argmax(axis=1)], max_softmax(probs)
        else:
            sets = [LABEL_SEPARATOR.join(names[row]) for row in probs >= 0.5]
            labels, confidence = np.array(sets, dtype=object), label_set_confidence(probs)
        return Decisions(labels, probs, confidence, ~(confidence >= self.threshold))

    def pooled(self, samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " D"]:
        """The costly part of `embed` for one clip: mono samples at `sample_rate` to pooled features."""
        backbone = self._hearing()
        # Half precision as in training: what a backbone has never seen is a spectrogram that was not rounded.
        heard = front_end.log_mel(samples, self.sample_rate).astype(np.float16).astype(np.float32)
        features: Float32[np.ndarray, " D"] = backbone.module.pool(backbone.features, [heard])[0]
        return features

    def projected(self, features: Float32[np.ndarray, "n D"]) -> Float32[np.ndarray, "n d"]:
        """The rest of `embed`: pooled features to embeddings; a row's result does not depend on the other rows."""
        whitening = self._hearing().whitening
        # One by one: the last bits of a product depend on how many rows it has, and the answer for a clip must not depend
        # on what else was asked at the same time. It costs a twentieth of the pooling.
        return np.concatenate([whitening.apply(row[None]) for row in features])

    def embed(self, clips: Sequence[Float32[np.ndarray, " _samples"]]) -> Float32[np.ndarray, "n d"]:
        """Embeddings of clips by the pipeline of training.

        Parameters
        ----------
        clips
            Mono samples at `sample_rate`, each of any length.

        Returns
        -------
        ``(n, d)``. Features are those of training bit for bit; the projection agrees to rounding, and does not depend on
        what else is embedded in the same call.

        Raises
        ------
        InputError
            If the release takes embeddings only.
        """
        if not clips:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        return self.projected(np.stack([self.pooled(samples) for samples in clips]))

    def _hearing(self) -> Backbone:
        if self.backbone is None:
            raise InputError(
                "a release with a backbone", f"{self.release_id[:12]}, which takes embeddings only", where="clip",
                fix=f"Send embeddings of {self.dimensions} numbers instead.",
            )  # fmt: skip
        return self.backbone


def release_path(project: Project, release_id: str) -> Path:
    """Where a release lies."""
    return project.path / FOLDER / check_name(release_id, what="release id", where=FOLDER)


def list_releases(project: Project) -> list[str]:
    """Ids of all releases of a project, sorted; they are not opened."""
    folder = project.path / FOLDER
    return sorted(path.name for path in folder.iterdir() if (path / MANIFEST).is_file()) if folder.is_dir() else []


def find_release(project: Project, prefix: str) -> str:
    """The full id of the only release that begins with ``prefix``.

    Raises
    ------
    StoreError
        If there is none, or several.
    """
    found = [name for name in list_releases(project) if name.startswith(prefix)]
    if len(found) != 1 or not prefix:
        arrived = f"{len(found)} of them" if found else f"none with {prefix!r}"
        raise StoreError("one release that begins so", arrived, where=FOLDER, fix="See: yori release DIR")
    return found[0]


def open_manifest(project: Project, release_id: str) -> dict[str, Any]:
    """What a release was made of, without opening the rest of it.

    Raises
    ------
    CorruptError
        If the manifest is missing or not that of this release.
    """
    path = release_path(project, release_id) / MANIFEST
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorruptError("a readable manifest", str(error), where=str(path)) from error
    if sha256_bytes(content) != release_id:
        raise CorruptError(
            "the manifest that was released", "another", where=str(path), fix="Restore it from a backup."
        )
    manifest: dict[str, Any] = json.loads(content)
    return manifest


def open_release(project: Project, release_id: str) -> Release:
    """Open a release and check every byte of it.

    Raises
    ------
    StoreError
        If there is none of this id.
    CorruptError
        If a file is missing or differs from what was released.
    NewerVersionError
        If a newer yori made it.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    folder = release_path(project, release_id)
    if not folder.is_dir():
        raise StoreError("a release of the project", repr(release_id), where=FOLDER, fix="See: yori release DIR")
    fix = "Restore the folder from a backup, or make the release again."
    try:
        content = (folder / MANIFEST).read_bytes()
        if sha256_bytes(content) != release_id:
            raise CorruptError("the manifest that was released", "another", where=str(folder / MANIFEST), fix=fix)
        manifest: dict[str, Any] = json.loads(content)
        if manifest["format"] > FORMAT:
            raise NewerVersionError(f"a release of format {FORMAT}", str(manifest["format"]), where=str(folder))
        for name, digest in manifest["files"].items():
            if not (folder / name).is_file() or sha256_file(folder / name) != digest:
                raise CorruptError("the file that was released", "another or none", where=str(folder / name), fix=fix)
        weight = load_file(folder / HEAD)["weight"]
        backbone = None
        if BACKBONE in manifest["files"]:
            arrays = load_file(folder / BACKBONE)
            module = BACKBONES[manifest["backbone"]["name"]]
            if manifest["backbone"]["version"] != module.VERSION:
                raise StoreError(
                    f"backbone {manifest['backbone']['version']}", module.VERSION, where=str(folder),
                    fix="Install the yori that made the release, or make a new one.",
                )  # fmt: skip
            backbone = Backbone(
                module, module.features_of(arrays), ShrunkWhitening(arrays["mean"], arrays["projection"])
            )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise CorruptError("a readable release", str(error), where=str(folder), fix=fix) from error
    threshold = manifest["threshold"]["confidence"]
    return Release(
        release_id, tuple(manifest["classes"]), weight, float(manifest["temperature"]),
        math.inf if threshold is None else float(threshold), backbone, manifest,
    )  # fmt: skip
