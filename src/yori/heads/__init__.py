"""The trained last layer on frozen embeddings, in closed form: no autograd, no torch.

softmax.py    one label per example: probabilities, loss, curvature
sigmoid.py    several labels per example: the same functions
curvature.py  Hessian-vector products and the preconditioned solver that fit.py and the attribution share
fit.py        the exact optimum, by Newton–CG
training.py   a fixed number of minibatch steps: what the arms of a proof run at equal FLOPs
selection_head.py  which examples to answer: SelectiveNet's selection head, an alternative to max softmax
flops.py      what a step, a product and a prediction cost, by closed formula
"""

from yori.heads.curvature import Curvature, Spectrum
from yori.heads.fit import Head, fit_sigmoid, fit_softmax
from yori.heads.flops import prediction_flops, training_flops
from yori.heads.links import LINKS, Link
from yori.heads.selection_head import SelectionHead, fit_selection_head, selection_features
from yori.heads.training import Recipe, train_head

__all__ = [
    "LINKS",
    "Curvature",
    "Head",
    "Link",
    "Recipe",
    "SelectionHead",
    "Spectrum",
    "fit_selection_head",
    "fit_sigmoid",
    "fit_softmax",
    "prediction_flops",
    "selection_features",
    "train_head",
    "training_flops",
]
