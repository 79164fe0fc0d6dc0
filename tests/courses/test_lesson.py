"""Lessons become notebooks that JupyterLab shows as the author meant."""

import pytest
from campus_tree import REPOSITORY
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.lesson import FOLDED, notebook_from, read_lesson


def test_questions_hide_their_answers_in_jupyterlab():
    cells = notebook_from(REPOSITORY / "notebooks" / "scaling" / "counting.md").cells
    asked = [cell for cell in cells if "\nask(" in f"\n{cell.source}"]
    assert len(asked) >= 4
    assert all(cell.metadata["jupyter"]["source_hidden"] for cell in asked)
    # JupyterLab shows the first line of a folded cell.
    assert {cell.source.splitlines()[0] for cell in asked} == {FOLDED}
    plain = [cell for cell in cells if cell.cell_type == "code" and cell not in asked]
    assert not any("jupyter" in cell.metadata for cell in plain)


GOOD = "---\ntitle: Apples\nobjectives: [count them, weigh them]\nminutes: 30\n---\n\n# Apples\n"
BROKEN = {
    "minutes: 30": [
        ("minutes: [30", "line 5, front matter: not YAML"),
        ("minutes: many", "line 4, front matter minutes: Input should be a valid integer"),
        ("minutes: 30\ncolour: red", "line 5, front matter colour: unknown key"),
        ("", "line 1, front matter minutes: Field required"),
    ],
    GOOD: [("Apples\n", "line 1: no front matter"), ("---\nApples\n---\n", "line 2: front matter is str")],
}


@pytest.mark.parametrize(
    ("old", "new", "said"), [(old, *case) for old, cases in BROKEN.items() for case in cases]
)
def test_a_broken_front_matter_is_named_with_its_line(tmp_path, old, new, said):
    path = tmp_path / "notebooks" / "fruit" / "apples.md"
    path.parent.mkdir(parents=True)
    path.write_text(GOOD)
    read_lesson(path)
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(SourceError) as caught:
        read_lesson(path)
    assert f"notebooks/fruit/apples.md: {said}" in str(caught.value)
