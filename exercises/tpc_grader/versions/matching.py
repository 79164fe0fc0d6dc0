"""Finds the exercise's cells in a notebook that came back: by name, else by id, else by what is in them.

Clients rewrite ids (Colab, VS Code, a round trip through text), old notebooks have none, and some drop metadata.
So a cell with the text of one of ours is ours, in order; halves that were split, and cells that were merged, too. What
is left stands for the cell of ours that is missing at its place and is like it, or for an answer that is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from tpc_grader.submissions.submitted import Submitted
from tpc_grader.versions.cells import Cell

Key = tuple[str, ...]
_WORD = re.compile(r"\w+")
_MOST_PIECES = 4
_MOST_PAIRS = 10_000
_LIKE_ENOUGH = 0.5


def matched(cells: Sequence[Cell], submitted: Sequence[Submitted]) -> dict[int, tuple[int, ...]]:
    """Return by position which cells of the exercise a submitted cell stands for, by index; mostly one.

    Of several that have a name the last is the one; each cell of the exercise is found once at most. Nothing is found
    in a notebook without any graded cell of ours and without any of our ids.
    """
    found = _Found(cells, submitted)
    found.by_name()
    found.by_id(unchanged=True)
    found.by_text()
    found.by_pieces()
    found.by_id(unchanged=False)
    if not found.is_ours():
        return {}
    found.by_place()
    return found.match


class _Found:
    """What was found so far."""

    def __init__(self, cells: Sequence[Cell], submitted: Sequence[Submitted]) -> None:
        self.cells, self.submitted = cells, submitted
        self.keys = [_key(cell.public) for cell in cells]
        self.theirs = [_key(each.source) for each in submitted]
        self.match = dict[int, tuple[int, ...]]()
        self.taken = set[int]()
        names = {cell.name for cell in cells if cell.name}
        self.named = {position for position, each in enumerate(submitted) if each.name in names}

    def by_name(self) -> None:
        """Take cells that carry the name of one of ours."""
        last = {each.name: position for position, each in enumerate(self.submitted)}
        for index, cell in enumerate(self.cells):
            if cell.name and cell.name in last:
                self._take(last[cell.name], index)

    def by_id(self, unchanged: bool) -> None:
        """Take cells with the id of one of ours, unless most ids are on other cells: then they were numbered anew."""
        ids = {cell.id: index for index, cell in enumerate(self.cells)}
        kept = {at: ids[each.id] for at, each in enumerate(self.submitted) if each.id in ids}
        equal = [at for at, index in kept.items() if self._is_unchanged(at, index)]
        if 2 * len(equal) < len(kept):
            return
        for position in self._free():
            if position in kept and (position in equal or not unchanged):
                self._take(position, kept[position])

    def _is_unchanged(self, position: int, index: int) -> bool:
        """Return whether a submitted cell is a certain one of ours by its name, or by its text where it has none."""
        if position in self.named:
            return self.submitted[position].name == self.cells[index].name
        return self.theirs[position] == self.keys[index]

    def by_text(self) -> None:
        """Take cells with the text of one of ours, in order."""
        waiting = defaultdict[Key, list[int]](list)
        for index in self._missing(lambda cell: cell.role in ("given", "text", "test")):
            waiting[self.keys[index]].append(index)
        for position in self._free():
            if self.theirs[position] and waiting[self.theirs[position]]:
                self._take(position, waiting[self.theirs[position]].pop(0))

    def by_pieces(self) -> None:
        """Take what was split, and what was merged."""
        missing = self._missing(lambda cell: cell.role in ("given", "text") and bool(_key(cell.public)))
        whole = {self.keys[index]: index for index in reversed(missing)}
        for positions, key in _joined(self._free(), self.theirs):
            if key in whole:
                for position in positions:
                    self._take(position, whole[key], shared=True)
        merged = {key: indexes for indexes, key in _joined(missing, self.keys)}
        for position in self._free():
            for index in merged.get(self.theirs[position], ()):
                self._take(position, index, shared=True)

    def is_ours(self) -> bool:
        """Return whether what was found shows that the notebook is one of the exercise."""
        ids = {cell.id for cell in self.cells}
        named = any(self.cells[index].name for index in self.taken)
        return named or any(self.submitted[position].id in ids for position in self.match)

    def by_place(self) -> None:
        """Take what stands where a cell of ours is missing, if it is like it, or an answer is missing there."""
        for positions, indexes in self._gaps():
            code = [each for each in positions if self.submitted[each].kind == "code" and self.theirs[each]]
            if len(code) * len(indexes) > _MOST_PAIRS:
                continue
            alike = {
                (position, index): _likeness(self.cells[index].public, self.submitted[position].source)
                for position in code
                for index in indexes
            }
            for (position, index), likeness in sorted(alike.items(), key=lambda each: -each[1]):
                if likeness >= _LIKE_ENOUGH:
                    self._take(position, index)
            # A released answer says little; of several cells the last counts, and the others run before it.
            answers = [each for each in indexes if self._is_missing_answer(each)]
            self._take_all([each for each in code if each not in self.match][-len(answers) :], answers)
        code = [each for each in self._free() if self.submitted[each].kind == "code" and self.theirs[each]]
        answers = [each for each in range(len(self.cells)) if self._is_missing_answer(each)]
        if len(code) == len(answers):  # moved, but nothing else it could be
            self._take_all(code, answers)

    def _is_missing_answer(self, index: int) -> bool:
        return self.cells[index].role == "answer" and index not in self.taken

    def _take_all(self, positions: Iterable[int], indexes: Iterable[int]) -> None:
        for position, index in zip(positions, indexes, strict=False):
            self._take(position, index)

    def _gaps(self) -> list[tuple[list[int], list[int]]]:
        """Return submitted cells that are nothing of ours yet, with cells of ours that are missing there."""
        ends = [(-1, -1), *((at, max(each)) for at, each in sorted(self.match.items()))]
        ends.append((len(self.submitted), len(self.cells)))
        missing = self._missing(lambda cell: cell.kind == "code")
        free = self._free()
        gaps = [
            ([at for at in free if first < at < last], [index for index in missing if one < index < other])
            for (first, one), (last, other) in pairwise(ends)
            if last - first > 1 and other - one > 1
        ]
        return [gap for gap in gaps if all(gap)]

    def _free(self) -> list[int]:
        numbers = range(len(self.submitted))
        return [each for each in numbers if each not in self.match and each not in self.named]

    def _missing(self, wanted: Callable[[Cell], bool]) -> list[int]:
        return [i for i, cell in enumerate(self.cells) if i not in self.taken and wanted(cell)]

    def _take(self, position: int, index: int, shared: bool = False) -> None:
        if shared or (position not in self.match and index not in self.taken):
            self.match[position] = (*self.match.get(position, ()), index)
            self.taken.add(index)


def _joined(numbers: Iterable[int], keys: Sequence[Key]) -> list[tuple[list[int], Key]]:
    """Return neighbours, two to four, with their texts put together."""
    numbers = list(numbers)
    runs = (
        numbers[start : start + count]
        for start in range(len(numbers))
        for count in range(2, _MOST_PIECES + 1)
        if start + count <= len(numbers)
    )
    return [(run, sum((keys[each] for each in run), ())) for run in runs if all(keys[each] for each in run)]


def _key(source: str) -> Key:
    """Return a text without what editors change: blank lines and the ends of lines."""
    return tuple(line.rstrip() for line in source.splitlines() if line.strip())


def is_same(one: str, other: str) -> bool:
    """Return whether two texts differ only in what editors change."""
    return _key(one) == _key(other)


def _likeness(ours: str, theirs: str) -> float:
    """Return the share of our words that are in a text of theirs."""
    words = set(_WORD.findall(ours))
    return len(words.intersection(_WORD.findall(theirs))) / len(words) if words else 0.0
