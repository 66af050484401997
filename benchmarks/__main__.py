"""Run every benchmark of this folder, one after the other: ``python -m benchmarks [--full] [--list] [NAME …]``.

A benchmark is a module of this folder with a function ``main()`` that reads its own command line. By default each one runs
with ``--quick`` if it knows that option and as it is otherwise; ``--full`` leaves it out. Each runs in a process of its own,
so that memory and threads of one do not disturb the next, and a failing one does not stop the others. The exit code is 1 if
any failed.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent


def benchmarks() -> dict[str, str]:
    """Name and source of every module of this folder that defines ``main()``, without importing it."""
    found = {}
    for file in sorted(FOLDER.glob("[a-z]*.py")):
        source = file.read_text(encoding="utf-8")
        tree = ast.parse(source, str(file))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            found[file.stem] = source
    return found


def summary(source: str) -> str:
    """First sentence of a module's docstring, on one line."""
    text = " ".join((ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0].split())
    return text if len(text) <= 100 else text[:97] + "…"


def command(name: str, source: str, full: bool) -> list[str]:
    """How to run one benchmark."""
    quick = [] if full or '"--quick"' not in source else ["--quick"]
    return [sys.executable, "-m", f"benchmarks.{name}", *quick]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run the benchmarks of this folder.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--full", action="store_true", help="in full size")
    parser.add_argument("--list", action="store_true", help="say what there is and stop")
    args = parser.parse_args()
    known = benchmarks()
    unknown = sorted(set(args.names) - set(known))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")
    chosen = {name: source for name, source in known.items() if not args.names or name in args.names}
    if args.list:
        for name, source in chosen.items():
            print(f"{name:24s} {summary(source)}")
        return 0
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(FOLDER.parent / "src"), str(FOLDER.parent)])}
    ended: list[tuple[str, int, float]] = []
    for name, source in chosen.items():
        print(f"\n=== {name}: {summary(source)}", flush=True)
        started = time.perf_counter()
        try:
            code = subprocess.run(command(name, source, args.full), cwd=FOLDER.parent, env=environment).returncode
        except KeyboardInterrupt:
            return 130
        ended.append((name, code, time.perf_counter() - started))
    print("\n=== summary")
    for name, code, seconds in ended:
        print(f"{name:24s} {'done' if code == 0 else f'FAILED ({code})':12s} {seconds:7.1f} s")
    return int(any(code for _, code, _ in ended))


if __name__ == "__main__":
    raise SystemExit(main())
