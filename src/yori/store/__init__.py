"""The project folder on disk: examples, data versions, embeddings, sound files, outputs of stages.

Nothing here trusts a file it reads or leaves a file half-written; see README.md in this folder for the protocol.
"""

from __future__ import annotations

from yori.store.audio import AudioInfo, audio_info, read_audio, wav_bytes, write_wav
from yori.store.commit import Commit
from yori.store.content_key import content_key
from yori.store.diff import Diff
from yori.store.embedding_writer import write_embeddings
from yori.store.embeddings import EmbeddingShards, open_embeddings
from yori.store.garbage import Orphan
from yori.store.hashes import sha256_bytes, sha256_file, table_hash
from yori.store.npy import float_blocks, open_npy
from yori.store.paths import safe_join
from yori.store.project import Project
from yori.store.versions import Version, VersionFile

__all__ = [
    "AudioInfo",
    "Commit",
    "Diff",
    "EmbeddingShards",
    "Orphan",
    "Project",
    "Version",
    "VersionFile",
    "audio_info",
    "content_key",
    "float_blocks",
    "open_embeddings",
    "open_npy",
    "read_audio",
    "safe_join",
    "sha256_bytes",
    "sha256_file",
    "table_hash",
    "wav_bytes",
    "write_embeddings",
    "write_wav",
]
