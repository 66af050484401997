"""Is the difference real, and how many examples would settle it.

predictions           one arm: ids, confidence, correct, probabilities …
pairing               two arms aligned by domain, seed and id, or refused
comparable_metrics    every metric that can be compared, by name
compare, comparison   the effect of after over before, with its interval; the result
domain_effect         the effect in one domain and its standard error
domains               t over domains, hierarchical interval
closed_form           standard errors from influence values, no resampling
calibration_variance  the same for the squared calibration error
calibration_spread    and for the absolute one
bootstrap             paired, clustered, stratified, hierarchical
resampling            how often each unit is drawn
sorted_outcomes       AURC and AUGRC of reweighted rows with one sort
permutation           swapping arms within examples or groups
verdict               from an interval to a word
equivalence           non-inferiority, TOST
effect_size           relative, standardised, odds, probability
mcnemar               right and wrong on the same examples
multiplicity          Holm, Benjamini-Hochberg
power, sample_size    what a test can see; how many examples it takes
clusters              intraclass correlation, design effect
agreement             Jaccard beside chance, Spearman, Kendall's W
raters                kappa, alpha
"""

from __future__ import annotations

from yori.statistics.agreement import (
    SelectionAgreement,
    jaccard,
    jaccard_by_chance,
    kendall_w,
    selection_agreement,
    spearman,
)
from yori.statistics.bootstrap import bootstrap_differences
from yori.statistics.closed_form import clustered_standard_error
from yori.statistics.clusters import design_effect, effective_cluster_size, intraclass_correlation
from yori.statistics.comparable_metrics import METRICS, ComparableMetric
from yori.statistics.compare import compare
from yori.statistics.comparison import Comparison, DomainComparison
from yori.statistics.effect_size import DiscordantOdds, EffectSize, discordant_odds, effect_size
from yori.statistics.equivalence import MarginTest, equivalent, non_inferior
from yori.statistics.mcnemar import McNemarResult, mcnemar
from yori.statistics.multiplicity import benjamini_hochberg, holm
from yori.statistics.permutation import PermutationResult, permutation_test
from yori.statistics.power import minimum_detectable_effect, paired_power
from yori.statistics.predictions import Predictions
from yori.statistics.raters import cohen_kappa, count_ratings, fleiss_kappa, krippendorff_alpha
from yori.statistics.sample_size import sample_size, settling_size
from yori.statistics.verdict import Verdict, verdict

__all__ = [
    "METRICS",
    "ComparableMetric",
    "Comparison",
    "DiscordantOdds",
    "DomainComparison",
    "EffectSize",
    "MarginTest",
    "McNemarResult",
    "PermutationResult",
    "Predictions",
    "SelectionAgreement",
    "Verdict",
    "benjamini_hochberg",
    "bootstrap_differences",
    "clustered_standard_error",
    "cohen_kappa",
    "compare",
    "count_ratings",
    "design_effect",
    "discordant_odds",
    "effect_size",
    "effective_cluster_size",
    "equivalent",
    "fleiss_kappa",
    "holm",
    "intraclass_correlation",
    "jaccard",
    "jaccard_by_chance",
    "kendall_w",
    "krippendorff_alpha",
    "mcnemar",
    "minimum_detectable_effect",
    "non_inferior",
    "paired_power",
    "permutation_test",
    "sample_size",
    "selection_agreement",
    "settling_size",
    "spearman",
    "verdict",
]
