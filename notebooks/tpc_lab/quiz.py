"""A small real benchmark: from one sentence of its documentation, name the package it comes from.

Items are sentences of public docstrings of installed packages; a cluster is one docstring. The models are
naive Bayes classifiers, small enough to train in a lesson. Nothing is downloaded or shipped.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha1
from importlib import import_module
from inspect import getdoc
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

__all__ = ["PACKAGES", "Quiz", "build_quiz", "naive_bayes", "trigrams", "words"]

PACKAGES = {
    "numpy": ("numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.polynomial"),
    "scipy": ("scipy.stats", "scipy.signal", "scipy.optimize", "scipy.linalg", "scipy.special"),
    "matplotlib": ("matplotlib.pyplot", "matplotlib.axes", "matplotlib.figure", "matplotlib.colors"),
}
BUCKETS = 2**14


@dataclass(frozen=True)
class Quiz:
    """Sentences with the index of their package and of the docstring they come from, all of one length."""

    sentences: tuple[str, ...]
    package: NDArray[np.int64]
    docstring: NDArray[np.int64]

    def part(self, chosen: NDArray[np.bool_]) -> "Quiz":
        """The items where `chosen` is true."""
        kept = np.flatnonzero(chosen)
        return Quiz(tuple(self.sentences[i] for i in kept), self.package[chosen], self.docstring[chosen])


def build_quiz() -> tuple[Quiz, Quiz]:
    """A training and a test quiz, split by the sha1 of the documented name.

    No docstring is in both."""
    rows, halves = [], []
    for number, (label, name, text) in enumerate(_docstrings()):
        half = sha1(name.encode()).digest()[0] % 2 == 0
        for sentence in _sentences(text, label):
            rows.append((sentence, label, number))
            halves.append(half)
    names = list(PACKAGES)
    sentences, labels, numbers = zip(*rows, strict=True)
    quiz = Quiz(tuple(sentences), np.array([names.index(x) for x in labels]), np.array(numbers))
    train = np.array(halves)
    return quiz.part(train), quiz.part(~train)


def _docstrings() -> Iterator[tuple[str, str, str]]:
    seen: set[str] = set()
    for label, modules in PACKAGES.items():
        for name in modules:
            module = import_module(name)
            for public in sorted(x for x in dir(module) if not x.startswith("_")):
                thing = getattr(module, public)
                # Addresses in a default value change from process to process.
                text = re.sub(r"0x[0-9a-f]+", "", getdoc(thing) or "") if callable(thing) else ""
                if len(text) >= 200 and text not in seen:
                    seen.add(text)
                    yield label, public, text


def _sentences(text: str, label: str) -> list[str]:
    """Up to five prose sentences of six words or more; names that give the answer away are cut out."""
    prose = re.sub(r"(?m)^(\s*>>>.*|\s*\.\.\..*|[-=]{3,})$", " ", text)
    names = r"(?i)numpy|scipy|matplotlib|pyplot|(?<![a-z])(np|plt|mpl)(?![a-z])"
    found = re.split(r"(?<=[.])\s+", re.sub(r"\s+", " ", re.sub(names, " ", prose)))
    return [s for s in found if len(s.split()) >= 6][:5]


def words(sentence: str) -> list[str]:
    """The lower-case words of a sentence."""
    return re.findall(r"[a-z]+", sentence.lower())


def trigrams(sentence: str) -> list[str]:
    """The runs of three characters of a lower-case sentence."""
    return [sentence.lower()[i : i + 3] for i in range(len(sentence) - 2)]


def _counts(quiz: Quiz, features: Callable[[str], list[str]]) -> csr_matrix:
    buckets = [[crc32(x.encode()) % BUCKETS for x in features(s)] for s in quiz.sentences]
    rows = np.repeat(np.arange(len(buckets)), [len(b) for b in buckets])
    columns = np.array([x for b in buckets for x in b], dtype=np.int64)
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(buckets), BUCKETS))


def naive_bayes(train: Quiz, test: Quiz, features: Callable[[str], list[str]]) -> NDArray[np.float64]:
    """1 for each item of `test` that a naive Bayes model fitted to `train` gets right, 0 otherwise."""
    seen = _counts(train, features)
    totals = np.array([seen[train.package == k].sum(axis=0).A1 for k in range(len(PACKAGES))]) + 0.1
    logs = np.log(totals / totals.sum(axis=1, keepdims=True))
    prior = np.log(np.bincount(train.package) / len(train.package))
    return np.asarray((_counts(test, features) @ logs.T + prior).argmax(axis=1) == test.package, dtype=float)
