import json

import soundfile


def test_only_what_is_new(yori, clips, tmp_path):
    yori("init", tmp_path / "p", "--layout", "folder", "--from", clips)
    again = yori("import", tmp_path / "p", "--layout", "folder", "--from", clips)
    assert again.exit_code == 0, again.stderr
    assert "version 1, nothing new, 6 known already; in all 6 examples" in again.stdout
    samples, rate = soundfile.read(clips / "cat" / "0.wav")
    soundfile.write(clips / "cat" / "new.wav", samples[::-1], rate)
    more = yori("import", tmp_path / "p", "--layout", "folder", "--from", clips, "--json")
    fields = json.loads(more.stdout)
    assert (fields["version"], fields["added"], fields["examples"]) == (2, 1, 7)
    assert fields["counts"]["known"] == 6


def test_no_project(yori, clips, tmp_path):
    result = yori("import", tmp_path / "nowhere", "--layout", "folder", "--from", clips)
    assert result.exit_code == 5
    assert "yori init" in result.stderr
