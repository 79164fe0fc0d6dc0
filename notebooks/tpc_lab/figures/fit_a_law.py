"""The figure of the lesson on fitting: choose the runs, and see the law and its prediction move."""

from collections.abc import Sequence
from typing import Any, cast

import traitlets

from tpc_lab.figures import Figure
from tpc_lab.scaling import Run

__all__ = ["FitFigure"]


class FitFigure(Figure, module="fit_a_law"):
    """Fits the runs between the three limits in the browser; `runs` holds [N, D, loss] triples.

    It opens without the largest model, whose loss it predicts.
    """

    smallest = cast(Any, traitlets.Float(1000.0)).tag(sync=True)
    largest = cast(Any, traitlets.Float(200_000.0)).tag(sync=True)
    least = cast(Any, traitlets.Float(200_000.0)).tag(sync=True)
    runs = cast(Any, traitlets.List()).tag(sync=True)

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "FitFigure":
        """The figure of `runs`."""
        return cls(runs=[[r.parameters, r.characters, r.loss] for r in runs])
