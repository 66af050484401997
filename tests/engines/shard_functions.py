"""Functions of a task that a worker can import."""

import os
import time

import numpy as np

from yori.errors import ValuesError


def square(task):
    return task * task


def slow_first(task):
    time.sleep(0.3 if task == 0 else 0)
    return task


def array(task):
    return np.full((2, 3), float(task))


def refuses(task):
    if task == 2:
        raise ValuesError("a small task", str(task), where="refuses", fix="Choose another.")
    return task


def process_of(task):
    time.sleep(0.05)
    return os.getpid()


def dies(task):
    if task == 1:
        os._exit(1)
    return task
