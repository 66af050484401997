"""``yori serve``."""

from __future__ import annotations

import os
from pathlib import Path

import click

_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@click.command(
    name="serve",
    short_help="Serve the present release over HTTP.",
    epilog="""Examples:

    \b
    yori serve bells
    yori serve bells --host 0.0.0.0 --token-file token.txt --private
    curl --data-binary @clip.wav -H "Content-Type: audio/wav" http://127.0.0.1:8000/v1/clips
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Any other than loopback needs a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free one.")
@click.option("--token-file", type=click.Path(path_type=Path), help="Holds the token. Default: YORI_TOKEN.")
@click.option("--database", metavar="URL", help="Default: YORI_DATABASE, or flywheel.db in the project.")
@click.option("--threads", type=click.IntRange(min=1), help="Clips at the same time. Default: one for each processor.")
@click.option("--most-mb", type=click.FloatRange(min=0.001), default=64.0, show_default=True, help="Size of a request.")
@click.option(
    "--in-flight-mb",
    type=click.FloatRange(min=0.001),
    default=512.0,
    show_default=True,
    help="Size of all requests under way together; beyond it: 503, come back.",
)
@click.option("--longest", type=click.FloatRange(min=0.1), default=600.0, show_default=True, help="Seconds of a clip.")
@click.option(
    "--time-limit", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Seconds per request."
)
@click.option("--no-log", is_flag=True, help="Note no answers; nothing can be monitored or reviewed then.")
@click.option("--log-rows", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="Share of answers noted.")
@click.option(
    "--keep-inputs", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="Share of clips copied."
)
@click.option("--keep-days", type=click.FloatRange(min=0, min_open=True), default=90.0, show_default=True, help="Days.")
@click.option("--private", is_flag=True, help="Keep embeddings only: neither clips nor their names.")
def command(
    folder: Path,
    host: str,
    port: int,
    token_file: Path | None,
    database: str | None,
    threads: int | None,
    most_mb: float,
    in_flight_mb: float,
    longest: float,
    time_limit: float,
    no_log: bool,
    log_rows: float,
    keep_inputs: float,
    keep_days: float,
    private: bool,
) -> None:
    """Answer for clips and embeddings with the release that serves, and note every answer.

    What the model abstains from is always noted and copied, unless --private. SIGTERM or Ctrl-C: requests under way are
    finished, and the log is written.
    """
    for name in _THREAD_VARIABLES:  # before NumPy is loaded: clips are worked on side by side, one thread each
        os.environ.setdefault(name, "1")
    from yori.flywheel.clips import ClipLimits
    from yori.flywheel.database import open_database
    from yori.flywheel.log_rules import LogRules
    from yori.flywheel.prediction_log import PredictionLog
    from yori.flywheel.predictor import Predictor
    from yori.store import Project
    from yori.web.request_guard import RequestLimits, say
    from yori.web.run_server import run_server
    from yori.web.security import check_listening
    from yori.web.serve import ServeSettings, make_app
    from yori.workers import default_workers

    token = token_file.read_text(encoding="utf-8").strip() if token_file else os.environ.get("YORI_TOKEN") or None
    check_listening(host, token)
    project = Project.open(folder)
    opened = open_database(project, database)
    rules = LogRules(rows=log_rows, inputs=keep_inputs, days=keep_days, private=private)
    predictor = Predictor(project, opened, limits=ClipLimits(seconds=longest))
    if not no_log:
        predictor.log = PredictionLog(opened, project, rules, say=say)
    settings = ServeSettings(
        token=token,
        limits=RequestLimits(most_bytes=round(most_mb * 2**20), seconds=time_limit),
        threads=threads or default_workers(),
        most_in_flight=round(in_flight_mb * 2**20),
    )
    release = predictor.release.release_id
    run_server(
        make_app(predictor, settings), host=host, port=port, stop_seconds=time_limit,
        listening=lambda url: say("listening", {"url": url, "release": release}),
    )  # fmt: skip
    opened.close()
