"""Fresh weights and dropout from a seed, without a trace in the caller's random state."""

import contextlib
import random

import numpy as np


@contextlib.contextmanager
def seeded(seed):
    """Seeds what Keras draws its seeds of initializers and dropout from, and NumPy, which other packages may use."""
    states = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
