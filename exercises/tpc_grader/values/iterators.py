"""What an answer's iterator gave, as tests meet it: an iterator that also has a length, and can be asked again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np


class Drawn(Iterator[Any]):
    """The items that a generator gave. `next` takes one after the other; all are kept for comparisons."""

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = list(items)
        self._rest = iter(self.items)

    def __next__(self) -> Any:
        return next(self._rest)

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, item: object) -> bool:
        return item in self.items

    def __getitem__(self, index: Any) -> Any:
        return self.items[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.items, dtype)
