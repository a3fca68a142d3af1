"""The strengths of regularisation that `train.py` tries; a module of its own, sent along with the script."""

import numpy as np


def get_alphas():
    """Twenty values: 0.00, 0.05, ... 0.95."""
    return np.arange(0.0, 1.0, 0.05)
