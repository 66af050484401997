from yori.audit.class_balance import class_balance_findings


def codes(counts, groups=None, **how):
    found = class_balance_findings(counts, groups=groups or dict.fromkeys(counts, 50), **how)
    return {(str(each.values["label"]), each.code) for each in found}


def test_each_rule():
    assert codes({"a": 100, "b": 90}) == set()
    assert codes({"a": 100, "b": 0}) == {("a", "one_class"), ("b", "class_empty")}
    assert codes({"a": 100, "b": 9}) == {("b", "class_few")}
    assert codes({"a": 100, "b": 50}, {"a": 50, "b": 2}) == {("b", "class_few")}
    assert codes({"a": 1000, "b": 45}) == {("b", "class_outweighed")}
    assert codes({"a": 100, "b": 25}, rare=["b"]) == {("b", "class_guide")}
    assert codes({"a": 100, "b": 99}, means={"a": "loud", "b": " "}) == {("['b']", "class_without_sentence")}
    assert codes({}) == set()


def test_one_example_of_each_class():
    assert codes({"a": 1, "b": 1}, {"a": 1, "b": 1}) == {("a", "class_few"), ("b", "class_few")}
