import hashlib
import json

import pyarrow as pa
import pytest

from yori.errors import PathEscapeError, SourceError, ValuesError
from yori.importers.huggingface import list_huggingface

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NAMES = {"_type": "ClassLabel", "names": ["cat", "dog"]}


def save(folder, columns, features, *, shards=1):
    """What ``Dataset.save_to_disk`` writes."""
    folder.mkdir(parents=True)
    table = pa.table(columns)
    names = [f"data-{k:05}-of-{shards:05}.arrow" for k in range(shards)]
    size = -(-len(table) // shards)
    for k, name in enumerate(names):
        part = table.slice(k * size, size)
        with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(part)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))


def clips(*cells):
    return pa.array([None if cell is None else {"bytes": cell[0], "path": cell[1]} for cell in cells], AUDIO)


@pytest.fixture
def waves(write):
    """The bytes of three different WAV files."""
    return [write(f"made/{k}.wav", k).read_bytes() for k in range(3)]


def test_bytes_and_class_labels(data, waves):
    audio = clips(*((wave, f"/home/ann/{k}.wav") for k, wave in enumerate(waves)))
    columns = {"audio": audio, "category": pa.array([1, 0, -1]), "age": [3, 4, None]}
    save(data / "set", columns, {"audio": {"_type": "Audio"}, "category": NAMES, "age": {"_type": "Value"}}, shards=2)
    found = list_huggingface(data / "set")
    assert [(one.example_id, one.label) for one in found.recordings] == [
        ("rows/0", "dog"), ("rows/1", "cat"), ("rows/2", None)
    ]  # fmt: skip
    assert [one.uri for one in found.recordings] == [f"{hashlib.sha256(wave).hexdigest()}.wav" for wave in waves]
    assert found.recordings[0].extra == {"age": 3, "file_name": "/home/ann/0.wav"}
    assert found.root is None
    assert [content for content, _ in found.media()] == waves
    assert {extension for _, extension in found.media()} == {"wav"}


def test_splits_of_a_dict(data, waves):
    features = {"audio": {"_type": "Audio"}, "label": NAMES}
    for name in ("train", "validation", "extra"):
        save(data / "all" / name, {"audio": clips((waves[0], "x.wav")), "label": pa.array([0])}, features)
    (data / "all" / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "validation", "extra"]}))
    found = list_huggingface(data / "all")
    assert [(one.example_id, one.split, one.extra.get("official_split")) for one in found.recordings] == [
        ("train/0", "train", None),
        ("validation/0", "validation", None),
        ("extra/0", None, "extra"),
    ]


def test_paths_inside_the_folder(data, write):
    features = {"audio": {"_type": "Audio"}, "label": NAMES}
    write("set-audio/x.wav", 1)
    cells = clips((None, "audio/x.wav"), (None, "../set-audio/x.wav"), None, (None, "/etc/hostname"))
    save(data / "set", {"audio": cells, "label": pa.array([0, 1, 0, 1])}, features)
    (data / "set-audio").rename(data / "set" / "audio")
    found = list_huggingface(data / "set")
    assert [(one.uri, one.label, one.example_id) for one in found.recordings] == [("audio/x.wav", "cat", None)]
    assert found.media is None
    assert [one.reason for one in found.left_out] == ["missing"] * 3


def test_several_labels(data, waves):
    features = {"audio": {"_type": "Audio"}, "tags": [NAMES]}
    save(data / "set", {"audio": clips((waves[0], "a"), (waves[1], "b")), "tags": pa.array([[1, 0], []])}, features)
    found = list_huggingface(data / "set", columns={"label": "tags"})
    assert [one.label for one in found.recordings] == [("cat", "dog"), ()]


def test_class_numbers_out_of_range(data, waves):
    features = {"audio": {"_type": "Audio"}, "label": NAMES}
    save(data / "set", {"audio": clips((waves[0], "a")), "label": pa.array([2])}, features)
    with pytest.raises(ValuesError, match="0 … 1"):
        list_huggingface(data / "set")


def test_which_column_is_the_audio(data, waves):
    features = {"near": {"_type": "Audio"}, "far": {"_type": "Audio"}, "label": NAMES}
    columns = {"near": clips((waves[0], "a")), "far": clips((waves[1], "b")), "label": pa.array([0])}
    save(data / "set", columns, features)
    with pytest.raises(SourceError, match="one column of type Audio"):
        list_huggingface(data / "set")
    (one,) = list_huggingface(data / "set", audio="far").recordings
    assert one.uri.startswith(hashlib.sha256(waves[1]).hexdigest())
    with pytest.raises(SourceError, match="'middle'"):
        list_huggingface(data / "set", audio="middle")


@pytest.mark.parametrize(
    ("file", "text", "error"),
    [
        ("state.json", "{", SourceError),
        ("state.json", "[]", SourceError),
        ("state.json", '{"_data_files": []}', SourceError),
        ("state.json", '{"_data_files": [{"filename": 3}]}', SourceError),
        ("state.json", '{"_data_files": [{"filename": "../../x"}]}', PathEscapeError),
        ("state.json", '{"_data_files": [{"filename": "nowhere.arrow"}]}', SourceError),
        ("dataset_info.json", "{}", SourceError),
        ("data-00000-of-00001.arrow", "not arrow", SourceError),
        ("dataset_dict.json", '{"splits": "train"}', SourceError),
        ("dataset_dict.json", '{"splits": ["../x"]}', PathEscapeError),
    ],
)
def test_damaged_folders(data, waves, file, text, error):
    save(
        data / "set",
        {"audio": clips((waves[0], "a")), "label": pa.array([0])},
        {"audio": {"_type": "Audio"}, "label": NAMES},
    )
    (data / "set" / file).write_text(text)
    with pytest.raises(error):
        list_huggingface(data / "set")


def test_another_folder(data):
    with pytest.raises(SourceError, match="save_to_disk"):
        list_huggingface(data)


@pytest.mark.parametrize(
    ("content", "path", "extension"),
    [(b"fLaC1", "x.wav", "flac"), (b"OggS", None, "ogg"), (b"what", "x.MP3", "mp3"), (b"what", "x.p h", "bin")],
)
def test_the_extension_follows_the_bytes(data, content, path, extension):
    features = {"audio": {"_type": "Audio"}, "label": NAMES}
    save(data / "set", {"audio": clips((content, path)), "label": pa.array([0])}, features)
    found = list_huggingface(data / "set")
    assert found.recordings[0].uri.endswith(f".{extension}")
    assert list(found.media()) == [(content, extension)]
