import numpy as np

from yori.audit.domain_coverage import domain_coverage_findings


def test_small_domains_and_missing_classes():
    domains = np.array(["near"] * 100 + ["far"] * 100 + ["deep"] * 10, dtype=object)
    strata = np.arange(210) % 2
    strata[100:200] = 0
    found = domain_coverage_findings(domains, strata, ("a", "b"))
    said = {(each.code, each.values["domain"]): each.severity for each in found}
    assert said == {("domain_few", "deep"): "medium", ("class_not_in_domain", "far"): "medium"}


def test_even_domains_one_domain_and_none():
    domains = np.array(["near", "far"] * 50, dtype=object)
    assert domain_coverage_findings(domains, np.arange(100) // 2 % 2, ("a", "b")) == []
    assert domain_coverage_findings(np.array(["x"] * 9, dtype=object), np.zeros(9, dtype=int), ("a",)) == []
    assert domain_coverage_findings(np.array([""] * 9, dtype=object), np.zeros(9, dtype=int), ("a",)) == []
