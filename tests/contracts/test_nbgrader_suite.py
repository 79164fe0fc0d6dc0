"""nbgrader's own tests, from its wheel, run against our exchange and our lists of preprocessors.

They run as they are but for one thing: the notebook `p1`, or `foo`, of the assignment `ps1` is called `ps1`,
because an exercise of ours has one notebook, called like it. Every test that fails must be in a table below, with the
reason why it cannot apply; a test in a table that passes is a failure too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbgrader.tests.apps as suite
import pytest
from campus_tree import SUPPORT

PARTS = {
    "exchange": ("fetch_assignment", "submit", "collect", "list", "releaseassignment"),
    "grading": ("autograde", "generate_feedback", "fetchfeedback", "releasefeedback"),
}
NOTEBOOK = "hands in work without the released notebook, which the intake refuses with the reason"
KEPT = "removes submissions, which are kept for good"
UNKNOWN = (
    "releases feedback for work that no intake received, under a name that whoever knows a secret file can work out: "
    "ours is given to who handed the work in"
)
MODES = (
    "expects modes by which others write or read the shared folder: nobody but the operator reads the intake"
)
IDENTITY = (
    "hands in as somebody else by an option, or warns about a folder's owner: the token says whose work it is"
)
ONE = "has an assignment of several notebooks, or of another name than its notebook's: an exercise of ours has one"
SIDE_EFFECT = "expects a file that the student's code wrote in the grader's folder: no code runs there"
TOLD = "expects that code can tell grading by a variable: a student's code must not be able to"
OWN_LIMIT = "gives this one command a time limit of its own: any door must give the same grade"
HIDDEN = "expects hidden tests in the graded notebook: ours holds the released text only"
REPAIRED = "expects a submission or source to fail that is repaired and graded here"
OUTPUTS = "keeps the student's outputs instead of running the code: nothing is graded like that"
FOLDER = "changes feedback where everybody can write: ours lies in the intake, and is kept by submission"
SKIPPED = "is skipped by nbgrader itself"
NOT_APPLICABLE = {
    "TestNbGraderAutograde.test_hidden_tests_autotest": HIDDEN,
    "TestNbGraderAutograde.test_side_effects": SIDE_EFFECT,
    "TestNbGraderAutograde.test_grade_with_validating_envvar": TOLD,
    "TestNbGraderAutograde.test_autograde_timeout": OWN_LIMIT,
    "TestNbGraderAutograde.test_grade_missing_notebook": ONE,
    "TestNbGraderAutograde.test_hidden_tests_single_notebook": HIDDEN,
    "TestNbGraderAutograde.test_handle_failure": REPAIRED,
    "TestNbGraderAutograde.test_handle_failure_single_notebook": REPAIRED,
    "TestNbGraderAutograde.test_missing_source_kernelspec": REPAIRED,
    "TestNbGraderAutograde.test_incorrect_source_kernelspec": REPAIRED,
    "TestNbGraderAutograde.test_no_execute": OUTPUTS,
    "TestNbGraderAutograde.test_many_students": SKIPPED,
    "TestNbGraderAutograde.test_infinite_loop_with_output": SKIPPED,
    "TestNbGraderSubmit.test_submit_missing": NOTEBOOK,
    "TestNbGraderSubmit.test_submit_with_student_id": IDENTITY,
    "TestNbGraderSubmit.test_submit_max_file_size": NOTEBOOK,
    "TestNbGraderCollect.test_owner_check": IDENTITY,
    "TestNbGraderCollect.test_permissions[False]": MODES,
    "TestNbGraderCollect.test_permissions[True]": MODES,
    "TestNbGraderList.test_list_cached": KEPT,
    "TestNbGraderList.test_list_remove_inbound": KEPT,
    "TestNbGraderList.test_list_remove_cached": KEPT,
    "TestNbGraderList.test_list_feedback_inbound": FOLDER,
    "TestNbGraderList.test_list_feedback_cached": FOLDER,
    "TestNbGraderReleaseFeedback.test_single_file": UNKNOWN,
    "TestNbGraderReleaseFeedback.test_single_student": UNKNOWN,
    "TestNbGraderReleaseFeedback.test_student_id_exclude": UNKNOWN,
    "TestNbGraderReleaseFeedback.test_permissions[False]": UNKNOWN,
    "TestNbGraderReleaseFeedback.test_permissions[True]": UNKNOWN,
    "TestNbGraderRelease.test_permissions[True]": MODES,
}


def translated(source: Path) -> str:
    """Return a module of the suite that can lie elsewhere, with our name for its notebook."""
    text = source.read_text(encoding="utf-8")
    text = re.sub(r"^from \.\.\.(\w+)", r"from nbgrader.\1", text, flags=re.M)
    text = re.sub(r"^from \.\. import", "from nbgrader.tests import", text, flags=re.M)
    text = re.sub(r"^from \.(base|conftest)\b", r"from nbgrader.tests.apps.\1", text, flags=re.M)
    return re.sub(r"\bp1\b(?=\.(ipynb|html)|\")|\bfoo(?=\.(ipynb|html))", "ps1", text)


def run_suite(folder: Path, modules: tuple[str, ...]) -> dict[str, str]:
    """Run some modules of the suite and return test -> why it failed, empty when it passed."""
    apps = Path(suite.__file__).parent
    (folder / "conftest.py").write_text("from nbgrader.tests.apps.conftest import *\n")
    for name in modules:
        module = apps / f"test_nbgrader_{name}.py"
        (folder / module.name).write_text(translated(module), encoding="utf-8")
    (folder / "files").symlink_to(apps / "files")
    for name in ("tmp", "home"):
        (folder / name).mkdir()
    report = folder / "report.xml"
    environment = os.environ | {
        "PYTHONPATH": SUPPORT,
        "TMPDIR": str(folder / "tmp"),
        "HOME": str(folder / "home"),
    }
    options = [
        "-p",
        "nbgrader_plugin",
        "-p",
        "no:cacheprovider",
        "-q",
        "-c",
        os.devnull,
        f"--junitxml={report}",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", folder, folder],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert report.exists(), done.stdout + done.stderr
    return {
        f"{case.get('classname', '').rpartition('.')[2]}.{case.get('name')}": _failure(case)
        for case in ElementTree.parse(report).iter("testcase")
    }


def _failure(case: ElementTree.Element) -> str:
    found = [child for child in case if child.tag in ("failure", "error", "skipped")]
    return "; ".join(f"{child.tag}: {child.get('message')}" for child in found)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", PARTS)
def test_the_suite_passes_but_for_what_cannot_apply(part, tmp_path):
    outcomes = run_suite(tmp_path, PARTS[part])
    failed = {name: why for name, why in outcomes.items() if why}
    assert failed.keys() == NOT_APPLICABLE.keys() & outcomes.keys(), "\n".join(
        f"{name}: {why[:300]}" for name, why in failed.items() if name not in NOT_APPLICABLE
    )
