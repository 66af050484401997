import numpy as np

from yori.audit.group_leaks import hidden_group_findings, split_by_clip_finding, split_leak_findings


def test_each_group_that_is_cut_is_one_finding():
    groups = np.array(["g", "g", "h", "h", "", ""], dtype=object)
    splits = np.array(["train", "test", "train", "train", "train", "test"], dtype=object)
    [found] = split_leak_findings(np.arange(6).astype(str), groups, splits)
    assert (found.values["group"], found.values["splits"], found.example_id, found.related) == (
        "g", ["train", "test"], "1", ("0",))  # fmt: skip
    assert split_leak_findings(np.array([]), np.array([]), np.array([])) == []


def test_a_split_by_clip_is_said_where_groups_exist():
    assert [each.severity for each in split_by_clip_finding(10, 40)] == ["high"]
    assert split_by_clip_finding(40, 40) == []


def test_a_gap_must_be_large_and_sure():
    rng = np.random.default_rng(0)
    same = rng.random(400) < 0.8
    assert hidden_group_findings("session", same, rng.permutation(same), 40) == []
    worse = same & (rng.random(400) < 0.6)
    assert [each.severity for each in hidden_group_findings("session", same, worse, 40)] == ["high"]
    assert hidden_group_findings("session", same, worse, 3) == []  # of three sessions nobody can tell
    assert hidden_group_findings("session", worse, same, 40) == []
