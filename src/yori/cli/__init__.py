"""The command line: parse, call one function, show what it returns.

main.py             the group `main`, the registry of verbs, errors and exit codes
progress.py         progress bars
source_options.py   what says where data come from, for init and import
show.py             JSON for machines, tables for people

Each other file is one verb: a click command, registered in ``main.VERBS``.
"""
