"""Weights of small models on disk: one safetensors file with the configuration and the facts of the run in it.

Numbers are stored as float16, which moves the loss of these models by less than 0.001 nats, and read as float32.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tpc_lab.tinygpt import Config, Tree, initial

__all__ = ["Checkpoint", "read", "shipped", "write"]

SHIPPED = Path(__file__).parent / "data" / "checkpoints"


@dataclass(frozen=True)
class Checkpoint:
    """A trained model: its shape, its weights, and the facts of its run (characters, seed, loss, corpus, commit)."""

    name: str
    config: Config
    weights: Tree
    facts: Mapping[str, Any]


def write(path: Path, config: Config, weights: Tree, facts: Mapping[str, Any]) -> None:
    """Write the weights of one model, whole or not at all; `facts` must be what JSON can hold.

    A ValueError names every array that holds numbers which are not finite, or are once stored as float16.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    about = {"config": json.dumps(asdict(config)), "facts": json.dumps(dict(facts))}
    with np.errstate(over="ignore"):
        arrays = {name: np.asarray(array, np.float16) for name, array in _named(weights).items()}
    _check_finite(path.name, arrays)
    save_file(arrays, part, metadata=about)
    part.replace(path)


def read(path: Path) -> Checkpoint:
    """The checkpoint in `path`; a ValueError names every array that is not finite or not as its configuration says."""
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            arrays = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
        config = Config(**json.loads(about["config"]))
        facts = json.loads(about["facts"])
    except (SafetensorError, KeyError, TypeError, ValueError) as e:
        raise ValueError(f"{path.name} is not a checkpoint of ours ({e}). Write it with weights.write") from e
    expected = jax.eval_shape(partial(initial, config), jax.random.key(0))
    _compare(path.name, config, {n: a.shape for n, a in _named(expected).items()}, arrays)
    _check_finite(path.name, arrays)
    names, tree = list(_named(expected)), jax.tree.structure(expected)
    return Checkpoint(path.stem, config, jax.tree.unflatten(tree, [arrays[n] for n in names]), facts)


def shipped(folder: Path = SHIPPED) -> list[Checkpoint]:
    """The checkpoints that come with the lessons, from the smallest and shortest run to the largest."""
    found = [read(path) for path in folder.glob("*.safetensors")]
    return sorted(found, key=lambda c: (c.config.parameters, c.facts["characters"], c.facts["seed"]))


def _named(tree: Tree) -> dict[str, Any]:
    """Arrays by their path, such as "blocks.0.qkv", in the order in which JAX flattens the tree."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {
        ".".join(str(getattr(k, "key", getattr(k, "idx", k))) for k in path): leaf for path, leaf in leaves
    }


def _check_finite(name: str, arrays: Mapping[str, Any]) -> None:
    if bad := [key for key, array in arrays.items() if not np.isfinite(array).all()]:
        raise ValueError(
            f"{name}: not all numbers are finite in {', '.join(bad)}. Train it again, at a lower learning rate"
        )


def _compare(
    name: str, config: Config, expected: Mapping[str, tuple[int, ...]], arrays: Mapping[str, Any]
) -> None:
    problems = [f"no {missing}" for missing in expected.keys() - arrays.keys()]
    problems += [f"unexpected {more}" for more in arrays.keys() - expected.keys()]
    problems += [
        f"{key} is {arrays[key].shape}, expected {shape}"
        for key, shape in expected.items()
        if key in arrays and arrays[key].shape != shape
    ]
    if problems:
        said = f"{config.layers} layers, width {config.width}, vocabulary {config.vocabulary}"
        raise ValueError(
            f"{name} does not match its configuration ({said}): {'; '.join(sorted(problems))}. "
            "Train it again, or correct the configuration."
        )
