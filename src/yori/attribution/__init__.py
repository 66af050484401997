"""Which training examples help what the validation set asks for, and which hurt.

Positive influence = the example helps: without it the objective would rise. Units: change of the objective.

objectives.py  what a validation set can ask for, and its gradient
influence.py   exact influence on a head, for every edit of every example, from one solve
"""

from yori.attribution.influence import Influence, influence
from yori.attribution.objectives import OBJECTIVES, Query

__all__ = ["OBJECTIVES", "Influence", "Query", "influence"]
