import json

from yori.cli.show import counted, show_json, show_rows


def test_json_holds_no_number_that_json_does_not_know(capsys):
    show_json({"a": float("nan"), "b": [float("inf"), 1.5, {"c": -float("inf")}], "d": "요리"})
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"a": None, "b": [None, 1.5, {"c": None}], "d": "요리"}
    assert "요리" in shown


def test_columns_line_up(capsys):
    show_rows([("a", "bb"), ("ccc", "d")])
    assert capsys.readouterr().out == "a    bb\nccc  d\n"
    show_rows([])
    assert capsys.readouterr().out == ""


def test_numbers_with_their_noun():
    assert counted(0, "clip") == "0 clips"
    assert counted(1, "clip") == "1 clip"
    assert counted(1234567, "class", "classes") == "1 234 567 classes"
