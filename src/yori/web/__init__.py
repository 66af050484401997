"""Faces over HTTP: parse, call, show; nothing else.

security.py         who may listen where, and tokens
run_server.py       run an app until it is told to stop
request_guard.py    token, size, time, and a line of JSON for every request
serve.py            a release behind a web API
request_bodies.py   clips and embeddings out of its requests
serve_errors.py     its failures as sentences
serve_metrics.py    its numbers for Prometheus
review*.py          the page on which people answer
"""

from importlib.util import find_spec

from yori.errors import MissingExtraError

if any(find_spec(name) is None for name in ("fastapi", "uvicorn", "prometheus_client", "python_multipart")):
    raise MissingExtraError("A web server", "serve")
