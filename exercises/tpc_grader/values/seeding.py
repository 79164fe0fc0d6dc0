"""Makes what code draws without a seed the same each time, so that the same work gets the same score.

Everything that asks the system for chance is led to one stream: `random`, NumPy's generators old and new,
`secrets`, `uuid`, `os.urandom`. A stream begins anew with each cell, from the seed of the exercise's version and the
cell's name alone: nothing that a submission holds, and no draw before, changes what a test draws.

A version's seed stays outside the sandbox; a process gets the seed of one cell when the cell runs. So code cannot
work out what a test elsewhere, or a later one, will draw. The clock is left alone: a test that takes its seed from
there is refused by `campus check`.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

# For processes in which submissions and tests run: the order of a set of texts is drawn when Python starts.
HASH_SEED = {"PYTHONHASHSEED": "20261"}


# As many bytes as NumPy takes to seed a generator.
_POOL_BYTES = 16


def seed_of(seed: str, *labels: str) -> str:
    """Return what follows from a seed for one use of it; empty, which stands for none, if the seed is."""
    return hashlib.sha256("\0".join((seed, *labels)).encode()).hexdigest() if seed else ""


class Draws:
    """The one stream of a process for all that asks for chance. Made before any code of a submission runs."""

    def __init__(self) -> None:
        for name in HASH_SEED:
            os.environ.pop(name, None)
        self._stream = random.Random(0)
        self._bits = np.random.get_bit_generator()  # type: ignore[attr-defined]
        self._seed_numpy = np.random.seed
        # What generators without a seed of their own began with.
        self._pools = set[int]()
        self._unseeded = WeakKeyDictionary[random.Random, int]()
        self._lead_to_stream()
        self._known = [
            (random, dict(vars(random))),
            (random.Random, {"seed": vars(random.Random)["seed"]}),
            (np.random, dict(vars(np.random))),
            (os, {name: vars(os)[name] for name in ("urandom", "getrandom")}),
        ]

    def begin(self, seed: str) -> None:
        """Begin what a cell draws from; an empty seed leaves it as it is."""
        if not seed:
            return
        number = int(seed, 16)
        self._stream.seed(number)
        random._inst.seed(number + 1)
        np.random.set_bit_generator(self._bits)  # type: ignore[attr-defined]
        self._seed_numpy([number >> shift & 0xFFFFFFFF for shift in range(0, 256, 32)])

    def begin_test(self, seed: str, values: Iterable[Any]) -> None:
        """Begin what a cell of tests draws from: also functions that code replaced, and generators among `values`
        that no seed was given for.
        """
        for owner, known in self._known:
            for name, value in known.items():
                if vars(owner).get(name) is not value:
                    setattr(owner, name, value)
        self.begin(seed)
        for each in values if seed else ():
            self._renew(each, seed)

    def _renew(self, generator: Any, seed: str) -> None:
        """Set a generator anew, unless it has a seed that somebody chose."""
        if type(generator) is random.Random and generator in self._unseeded:
            first = self._unseeded[generator]
            generator.seed(int(seed_of(seed, str(first)), 16))
            self._unseeded[generator] = first
        if type(generator) not in (np.random.Generator, np.random.RandomState):
            return
        bits = generator._bit_generator
        pool = getattr(bits.seed_seq, "entropy", None)
        if pool in self._pools:
            entropy = int(seed_of(seed, str(pool)), 16)
            sequence = np.random.SeedSequence(entropy, spawn_key=bits.seed_seq.spawn_key)
            fresh = type(bits)(sequence)
            if type(generator) is np.random.RandomState:
                generator.set_state(np.random.RandomState(fresh).get_state())
            else:
                bits.state = fresh.state

    def _lead_to_stream(self) -> None:
        seed_instance = random.Random.seed

        def seed(instance: random.Random, a: Any = None, version: int = 2) -> None:
            chosen = self._stream.getrandbits(256) if a is None else a
            seed_instance(instance, chosen, version)
            self._unseeded.pop(instance, None)
            if a is None:
                self._unseeded[instance] = chosen

        def take(size: int, flags: int = 0) -> bytes:
            taken = self._stream.randbytes(size)
            if size == _POOL_BYTES:
                self._pools.add(int.from_bytes(taken, "big"))
            return taken

        random.Random.seed = seed  # type: ignore[method-assign,assignment]
        random.seed = random._inst.seed
        # `secrets`, `uuid`, SystemRandom, and with it every generator of NumPy's without a seed, end here.
        random._urandom = os.urandom = os.getrandom = take  # type: ignore[attr-defined]
