"""Lessons become notebooks that JupyterLab shows as the author meant."""

from campus_tree import REPOSITORY
from tpc_courses.lesson import notebook_from


def test_questions_hide_their_answers_in_jupyterlab():
    cells = notebook_from(REPOSITORY / "notebooks" / "scaling" / "counting.md").cells
    asked = [cell for cell in cells if "\nask(" in f"\n{cell.source}"]
    assert len(asked) >= 4
    assert all(cell.metadata["jupyter"]["source_hidden"] for cell in asked)
    plain = [cell for cell in cells if cell.cell_type == "code" and cell not in asked]
    assert not any("jupyter" in cell.metadata for cell in plain)
