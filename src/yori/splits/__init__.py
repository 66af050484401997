"""Who trains, who asks, who judges: splits that no group crosses.

folds.py      stratified folds of groups
protocols.py  the cells of a proof: `id` (random groups) and `lodo` (each domain held out), as hashed manifests
leaks.py      what must be true of a cell, checked
"""

from yori.splits.folds import cluster_names, group_folds, merge_groups
from yori.splits.leaks import check_cell
from yori.splits.protocols import Cell, id_cells, lodo_cells, table_cells

__all__ = [
    "Cell",
    "check_cell",
    "cluster_names",
    "group_folds",
    "id_cells",
    "lodo_cells",
    "merge_groups",
    "table_cells",
]
