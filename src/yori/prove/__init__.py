"""Did it help? Before, after and controls over seeds, splits and domains, at equal FLOPs, on test data touched once.

proof.py          `prove`: all of the below, resumable, to one certificate
dataset.py        the labelled examples as arrays; the cells (train / validation / test) the task asks for
tuning.py         the penalty of the *before* head, on validation
baseline.py       the *before* arm of a cell and what later stages ask of it
arm_names.py      what arms are called, and which one *after* is compared with
cell_curation.py  the edits of a cell: who asks, and why each
nested.py         training domains or left-out domains: who should ask
arms.py           the edits and every control of a cell
pooled_arms.py    the same where all arms but *before* train on train + validation
predictions.py    test predictions: the only place where test embeddings meet a head
evaluate.py       from predictions to every number, interval and verdict
stability.py      would other seeds, checkpoints, validation samples have chosen the same examples
proposal.py       the edit set for the next data version
leakage.py        how much a split by random clip would flatter
ledger.py         FLOPs, and parity at inference
manifest.py       splits.json
environment.py    versions and a hash of the code
verify.py         `verify`: every number again, from the files alone

plan.py           `plan`: what can be shown at all with this test set, before anything is trained
compare_files.py  `compare`: any two systems' predictions
prediction_*.py   reading and aligning them
"""

from yori.prove.proof import Overrides, Proof, prove
from yori.prove.verify import Check, Verification, read_certificate, verify

__all__ = ["Check", "Overrides", "Proof", "Verification", "prove", "read_certificate", "verify"]
