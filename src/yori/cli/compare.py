"""``yori compare``: is one system better than another, from their predictions alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from yori.cli.show import json_option, show_json, show_rows


@click.command(
    name="compare",
    short_help="Prove or refute a change between any two systems' predictions.",
    epilog="Example: yori compare before.parquet after.parquet --metric aurc --margin 0.005",
)
@click.argument("before", metavar="BEFORE", type=click.Path(path_type=Path))
@click.argument("after", metavar="AFTER", type=click.Path(path_type=Path))
@click.option("--metric", default="aurc", show_default=True, help="The metric that decides: aurc, accuracy, risk@0.8 …")
@click.option("--secondary", help="Metrics reported beside it, separated by commas.")
@click.option("--margin", type=float, default=0.0, show_default=True, help="Smallest change of the metric that counts.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--domains-fixed", is_flag=True, help="These domains are all there are, not a sample of others.")
@json_option
def command(
    before: Path,
    after: Path,
    metric: str,
    secondary: str | None,
    margin: float,
    level: float,
    seed: int,
    domains_fixed: bool,
    as_json: bool,
) -> None:
    """Prove or refute a change between any two systems' predictions.

    BEFORE and AFTER are Parquet, CSV or npz files with ids, labels, and probabilities or logits of the same test
    examples (columns example_id, label, probs or prob_<class> …; seed, domain and group where there are any).
    """
    from yori.prove.compare_files import compare_files

    names = None if secondary is None else [name.strip() for name in secondary.split(",") if name.strip()]
    found = compare_files(
        before,
        after,
        metric=metric,
        secondary=names,
        margin=margin,
        level=level,
        seed=seed,
        domains_fixed=domains_fixed,
    )
    if as_json:
        show_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    click.echo(found["verdict"]["sentence"] + "\n")
    rows = [("metric", "before", "after", "change", "interval", "p", "p (Holm)")]
    for row in [found["primary"], *found["secondary"]]:
        c = row["comparison"]
        numbers = (f"{c['before']:.4f}", f"{c['after']:.4f}", f"{c['delta']:+.4f}")
        interval = f"{c['low']:+.4f} to {c['high']:+.4f}"
        adjusted = f"{row['holm_p']:.3g}" if "holm_p" in row else "primary"
        rows.append((row["metric"], *numbers, interval, f"{c['p_value']:.3g}", adjusted))
    show_rows(rows)
    click.echo("\nRight where the other is wrong (McNemar):")
    tests = [("domain", "seed", "only before", "only after", "p", "test")]
    for row in found["mcnemar"]:
        counts = (str(row["only_before_correct"]), str(row["only_after_correct"]))
        tests.append((row["domain"] or "all", row["seed"] or "one", *counts, f"{row['p_value']:.3g}", row["method"]))
    show_rows(tests, indent="  ")
    for note in found["notes"]:
        click.echo(f"Note: {note}")
