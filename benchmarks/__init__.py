"""Speed measurements: ratios to a reference in the same process, written to ``benchmarks/results/``."""
