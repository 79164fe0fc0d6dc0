"""The table of grades: complete, exact, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest
from tpc_courses.sources.manifest import Course
from tpc_grader.grades.spreadsheet import csv_bytes, csv_text
from tpc_hub.web.instructor.classroom import Cell, Row
from tpc_hub.web.instructor.grades import grades_csv

COURSE = Course.model_validate(
    {
        "id": "c",
        "title": "A course",
        "summary": "A course for tests.",
        "units": [
            {"exercise": "laws", "weight": 2.5},
            {"exercise": "bars", "weight": 0.1},
            {"exercise": "end"},
        ],
    }
)
MAXIMA = {"laws": 6.0, "bars": 3.0, "end": 4.0}


def table(*rows: Row) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(grades_csv(COURSE, rows, MAXIMA).decode("utf-8-sig"))))


def test_each_line_has_points_maxima_weights_sums_and_what_waits():
    cells = {
        "laws": Cell(
            "to grade by hand", "warn", attempts=1, score=3.0 - 1.2, max_score=6.0, waiting=("why", "how")
        ),
        "bars": Cell("graded", "good", attempts=2, score=0.1 * 3, max_score=3.0),
        "end": Cell(),
    }
    (line,) = table(Row("ada", "Ada", True, cells))
    assert line == {
        "name": "ada",
        "display_name": "Ada",
        "laws": "1.8",
        "laws maximum": "6",
        "laws weight": "2.5",
        "laws waiting": "why; how",
        "bars": "0.3",
        "bars maximum": "3",
        "bars weight": "0.1",
        "bars waiting": "",
        "end": "",
        "end maximum": "4",
        "end weight": "1",
        "end waiting": "",
        "total": "2.1",
        "maximum": "13",
        "weighted total": "4.53",
        "weighted maximum": "19.3",
        "waiting": "2",
    }


def test_work_that_is_not_graded_says_so_and_has_no_number():
    cells = {slug: Cell("waits to be graded", "warn", attempts=1) for slug in COURSE.exercises}
    (line,) = table(Row("ada", "Ada", True, cells))
    assert (line["laws"], line["laws waiting"], line["waiting"]) == ("", "waits to be graded", "3")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Ünal Şahin", "Ünal Şahin"),
        ("李 雷", "李 雷"),
        ('O\'Neil, "Bo"', 'O\'Neil, "Bo"'),
        ("two\nlines", "two\nlines"),
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1+1", "'  =1+1"),
        ("\t=1+1", "'\t=1+1"),
        ("\n=1+1", "'\n=1+1"),
        ("＝1+1", "'＝1+1"),
        ("nul\0", "nul"),
        ("'quoted'", "'quoted'"),
    ],
)
def test_names_are_right_and_run_nothing(name, told):
    cells = {slug: Cell() for slug in COURSE.exercises}
    (line,) = table(Row("ada", name, True, cells))
    assert line["display_name"] == told


def test_the_file_tells_a_spreadsheet_its_encoding_and_ends_lines_as_csv_does():
    made = csv_bytes([{"a": "ü", "b": 1.0}], ["a", "b"])
    assert made == b"\xef\xbb\xbfa,b\r\n\xc3\xbc,1\r\n"


def test_numbers_are_numbers_and_nothing_is_nothing():
    assert csv_text([{"a": -1.5, "b": None}], ["a", "b", "c"]) == "a,b,c\r\n-1.5,,\r\n"
