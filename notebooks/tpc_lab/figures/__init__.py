"""Interactive figures: each is one JavaScript module that draws from a few numbers and needs no kernel.

A figure `name` is `name.js` here, with `export default { render }`; `shared.js` (axes, sliders, table of
numbers, reset) is put in front of it, because a widget's module cannot import a file beside it. Python only
hands over data through synced traits, so the same module runs in JupyterLab and in the static book.
"""

from pathlib import Path
from typing import Any, cast

import anywidget
import traitlets

__all__ = [
    "CountingFigure",
    "CoverageFigure",
    "Figure",
    "LshFigure",
    "PeekingFigure",
    "PowerFigure",
    "module_text",
]

_HERE = Path(__file__).parent


def module_text(name: str) -> str:
    """The complete JavaScript module of figure `name`: the shared part, then its own."""
    own = _HERE / f"{name}.js"
    if not own.is_file():
        known = sorted(path.stem for path in _HERE.glob("*.js") if path.stem != "shared")
        raise FileNotFoundError(f"figures/{name}.js does not exist; there are: {', '.join(known)}")
    return (_HERE / "shared.js").read_text(encoding="utf-8") + "\n" + own.read_text(encoding="utf-8")


class Figure(anywidget.AnyWidget):
    """Base of all figures; a subclass says `class X(Figure, module="x")` and adds synced traits."""

    _esm = "export default { render() {} }"

    def __init_subclass__(cls, module: str | None = None, **kwargs: Any) -> None:
        # anywidget reads `_esm` in its own __init_subclass__, so it must be there before.
        if module is not None:
            cls._esm = module_text(module)
        super().__init_subclass__(**kwargs)


def _number(default: float) -> Any:
    return cast(Any, traitlets.Float(default)).tag(sync=True)


def _whole(default: int) -> Any:
    return cast(Any, traitlets.Int(default)).tag(sync=True)


def _points() -> Any:
    return cast(Any, traitlets.List()).tag(sync=True)


def _text() -> Any:
    return cast(Any, traitlets.Unicode()).tag(sync=True)


class Question(Figure, module="question"):
    """One number to work out; `wrong` holds [value, why] of usual mistakes. Made by `tpc_lab.checkpoint.ask`."""

    label = _text()
    unit = _text()
    hint = _text()
    answer = _number(0.0)
    tolerance = _number(0.01)
    wrong = _points()


class CountingFigure(Figure, module="counting"):
    """Which parts of a plain decoder hold its parameters, and which spend its FLOPs."""

    layers = _whole(12)
    width = _whole(768)
    window = _whole(2048)
    vocabulary = _whole(50257)


class LshFigure(Figure, module="lsh"):
    """The chance that a pair of documents meets in a band, against its similarity.

    `bands` and `rows` set the curve; `measured` holds `[similarity, share caught, pairs]` triples to compare.
    """

    bands = _whole(14)
    rows = _whole(8)
    measured = _points()


class CoverageFigure(Figure, module="coverage"):
    """How often four 95% intervals for a proportion contain it, at `n` items and any true score."""

    n = _whole(30)
    p = _number(0.9)


class PowerFigure(Figure, module="power"):
    """The chance to see a true difference `delta` with n shared items, by correlation of the two models."""

    delta = _number(0.03)
    spread = _number(0.45)
    correlation = _number(0.5)


class PeekingFigure(Figure, module="peeking"):
    """False alarms when a comparison of equal models is tested again after each batch of items."""

    looks = _whole(10)
    batch = _whole(50)
