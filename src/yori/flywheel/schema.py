"""Tables of the flywheel's database. What people and models said is only ever added to; leases and queue states may change.

Times are seconds since 1970 (UTC) as float; the order of events is that of the primary keys, because clocks go backwards.
Arrays are little-endian bytes: ``probs`` float32 ``(c,)``, ``embedding`` float32 ``(d,)``.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

_KEY = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER counts up by itself in SQLite
_HASH = String(64)

PREDICTIONS = Table(
    "predictions",  # one row for every answer that was logged
    METADATA,
    Column("prediction_id", _KEY, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("release_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),  # clip, window or embedding
    Column("input_sha256", _HASH, nullable=False),  # of the bytes that arrived
    Column("input_path", Text),  # media/<…> inside the project when a copy was kept; null: sampled out or private
    Column("start", Float),  # of the window in its clip, seconds
    Column("duration", Float),
    Column("source", Text),  # the caller's own name of the input
    Column("domain", Text),  # the caller's domain (site, machine); null when not said
    Column("label", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("abstained", Boolean, nullable=False),
    Column("latency_ms", Float, nullable=False),
    Column("probs", LargeBinary, nullable=False),
    Column("embedding", LargeBinary),  # null when sampled out
    Column("group_name", Text),  # the caller's name of what belongs together (passage, session); null when not said
    Index("predictions_by_time", "at"),
    Index("predictions_by_input", "input_sha256"),
)

SHEDS = Table(
    "sheds",  # rows that were not logged, counted with the rule that let them go
    METADATA,
    Column("shed_id", _KEY, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("rule", String(64), nullable=False),
    Column("count", Integer, nullable=False),
)

ITEMS = Table(
    "items",  # what people should hear, and why
    METADATA,
    Column("item_id", _HASH, primary_key=True),  # content_key of the input and the question, so the same is asked once
    Column("at", Float, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("example_id", Text),  # of the project, when the item is an example of it
    Column("prediction_id", _KEY),  # of the log, when it comes from there
    Column("kind", String(16), nullable=False),  # audio, image, text, row
    Column("media", Text),  # path inside the project; null for rows
    Column("start", Float),
    Column("duration", Float),
    Column("content", JSON, nullable=False),  # what the page shows beside the media: text, fields, neighbours
    Column("domain", Text),
    Column("suggested", Text),  # label the model or the curation proposes
    Column("current", Text),  # label the project holds now
    Column("confidence", Float),
    Column("reasons", JSON, nullable=False),  # [{"kind": "abstained", "text": "…", "value": 0.31}, …]
    Column("share", String(32), nullable=False),  # the quota it was taken under: abstained, uncertain, …, random
    Column("priority", Float, nullable=False),  # higher is asked earlier
    Column("wanted", Integer, nullable=False, default=1),  # answers wanted; 2 for the blind double-labelling share
    Column("gold", Text),  # known answer of a gold item; never sent to the page before the answer
    Column("state", String(16), nullable=False, default="open"),  # open, answered, merged, withdrawn
    Index("items_by_state", "state", "priority"),
)

PEOPLE = Table(
    "people",
    METADATA,
    Column("person", String(64), primary_key=True),
    Column("token_sha256", _HASH, nullable=False, unique=True),
    Column("role", String(16), nullable=False, default="annotator"),  # annotator, owner
    Column("at", Float, nullable=False),
    Column("active", Boolean, nullable=False, default=True),
)

LEASES = Table(
    "leases",  # who holds which item until when
    METADATA,
    Column("item_id", _HASH, ForeignKey("items.item_id"), primary_key=True),
    Column("person", String(64), ForeignKey("people.person"), primary_key=True),
    Column("lease", String(64), nullable=False, unique=True),  # secret of this lease; an answer must name it
    Column("taken_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
)

ANSWERS = Table(
    "answers",  # never changed; an undo is a row of its own
    METADATA,
    Column("answer_id", _KEY, primary_key=True, autoincrement=True),
    Column("nonce", String(64), nullable=False, unique=True),  # made by the page: a repeated request is one answer
    Column("item_id", _HASH, ForeignKey("items.item_id"), nullable=False),
    Column("person", String(64), ForeignKey("people.person"), nullable=False),
    Column("verdict", String(16), nullable=False),  # accept, relabel, skip, unsure, drop, undo
    Column("label", Text),  # the label given (accept and relabel)
    Column("note", Text),
    Column("seconds", Float),  # from painted to answered
    Column("suggestion_shown", Boolean, nullable=False, default=True),
    Column("undoes", _KEY),  # answer_id taken back
    Column("at", Float, nullable=False),
    Column("origin", String(16), nullable=False, default="page"),  # page, label_studio, file, simulated
    Index("answers_by_item", "item_id"),
)

RELEASES = Table(
    "releases",  # made releases; their files are in releases/<release_id>/ and never change
    METADATA,
    Column("release_id", String(64), primary_key=True),  # SHA-256 of the manifest
    Column("at", Float, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("certificate", _HASH),  # proof it stands on; null for the first
    Column("manifest", JSON, nullable=False),
)

SERVING = Table(
    "serving",  # which release serves: the last row; promotions and rollbacks are added
    METADATA,
    Column("serving_id", _KEY, primary_key=True, autoincrement=True),
    Column("release_id", String(64), ForeignKey("releases.release_id"), nullable=False),
    Column("action", String(16), nullable=False),  # promote, rollback
    Column("who", String(64), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Float, nullable=False),
)

TURNS = Table(
    "turns",  # one row for each finished step of a turn; what is missing is done again
    METADATA,
    Column("turn", Integer, primary_key=True),
    Column("step", String(32), primary_key=True),
    Column("at", Float, nullable=False),
    Column("facts", JSON, nullable=False),
)

LOOKS = Table(
    "looks",  # every use of the test set for a gate, with the error probability it spent
    METADATA,
    Column("look", Integer, primary_key=True),
    Column("turn", Integer, nullable=False, unique=True),
    Column("test_set", _HASH, nullable=False),
    Column("level", Float, nullable=False),
    Column("at", Float, nullable=False),
)

ALERTS = Table(
    "alerts",  # what the monitor found
    METADATA,
    Column("alert_id", _KEY, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("facts", JSON, nullable=False),
    UniqueConstraint("kind", "at", name="one_alert_at_a_time"),
)
