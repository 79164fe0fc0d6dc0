"""What we count on in the private parts of others is there: COMPAT.md lists it, and these tests hold it to that."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import pytest
from campus_tree import REPOSITORY
from nbgrader.api import Base, Gradebook
from postgres import new_database
from sqlalchemy import create_engine, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from tpc_grader.grades import scores
from tpc_grader.grading.preprocessors import StrictSaveAutoGrades
from tpc_kernels.linux import sharing

SECTION = re.compile(r"^## (\S+) (\S+)$", re.MULTILINE)
ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
TEXT = (REPOSITORY / "COMPAT.md").read_text(encoding="utf-8")
VERSIONS = dict(SECTION.findall(TEXT))
NAMES = [name for name in ROW.findall(TEXT) if not name.startswith(('"', "}"))]
PACKAGES = ("tpc_courses", "tpc_lab", "tpc_kernels", "tpc_grader", "tpc_book", "tpc_hub")
# What a process decides for itself, and what Python's documentation offers.
OWN_PROCESS = {"sys.argv", "sys.stdout", "sys.stderr", "sys.dont_write_bytecode", "os.environ", "os._exit"}


@cache
def product() -> dict[Path, ast.Module]:
    """Return the syntax tree of each module of ours."""
    folders = [folder for name in PACKAGES for folder in REPOSITORY.glob(f"*/{name}")]
    return {path: ast.parse(path.read_text("utf-8")) for each in folders for path in each.rglob("*.py")}


@cache
def own_names() -> set[str]:
    """Return all names that our modules define."""
    found = set[str]()
    for tree in product().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found |= {node.attr} if ast.unparse(node.value) in {"self", "cls"} else set()
    return found


def private_reads() -> Iterator[tuple[str, str]]:
    """Yield the private names of others that our modules use, each with where."""
    for path, tree in product().items():
        for node in ast.walk(tree):
            private = isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr)
            if private and node.attr not in own_names() and ast.unparse(node) not in OWN_PROCESS:
                yield node.attr, f"{path.name}:{node.lineno} {ast.unparse(node)}"


def replaced() -> Iterator[tuple[str, str]]:
    """Yield what our modules set in modules and classes of others, each with where."""
    for path, tree in product().items():
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        foreign = {
            (alias.asname or alias.name).partition(".")[0]
            for node in imports
            for alias in node.names
            if not (getattr(node, "module", None) or alias.name).startswith("tpc_")
        }
        for node in ast.walk(tree):
            for target in node.targets if isinstance(node, ast.Assign) else ():
                owner: ast.expr = target
                while isinstance(owner, ast.Attribute | ast.Subscript):
                    owner = owner.value
                name = ast.unparse(target)
                theirs = isinstance(target, ast.Attribute) and ast.unparse(owner) in foreign
                if theirs and name not in OWN_PROCESS:
                    yield target.attr, f"{path.name}:{node.lineno} {name}"


def overridden() -> Iterator[tuple[str, str]]:
    """Yield the private names of foreign classes that ours override, each with where."""
    for path, tree in product().items():
        if not any(isinstance(node, ast.ClassDef) and node.bases for node in ast.walk(tree)):
            continue
        (folder,) = [each for each in path.parents if each.name in PACKAGES]
        parts = path.relative_to(folder.parent).with_suffix("").parts
        if parts[-1] in {"run_lesson", "__main__"} or "migrations" in parts:
            continue  # programs
        module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
        for name, each in inspect.getmembers(module, inspect.isclass):
            if each.__module__ != module.__name__:
                continue
            for base in each.__mro__[1:]:
                if base.__module__.partition(".")[0] not in {*PACKAGES, "builtins", "typing", "abc", "enum"}:
                    shared = {
                        key for key in vars(each).keys() & vars(base).keys() if re.match(r"_[a-z]", key)
                    }
                    # What every class of a kind has: ABCs, protocols, models and mappings fill these in.
                    shared -= {key for key in shared if not inspect.isroutine(vars(each)[key])}
                    yield from ((key, f"{path.name} {name}.{key} of {base.__qualname__}") for key in shared)


def test_every_use_of_what_is_private_to_others_is_listed():
    listed = {name.rpartition(".")[2] for name in NAMES}
    public = {"seed", "urandom", "getrandom", "input", "getpass"}  # replaced for the code of a submission
    used = [*private_reads(), *replaced(), *overridden()]
    assert [where for name, where in used if name not in listed | public] == []
    assert {"_bit_generator", "_find_http_port", "_create_notebook", "sys"} <= {name for name, _ in used}


def test_what_is_listed_is_used():
    text = "\n".join(path.read_text("utf-8") for path in product())
    assert [name for name in NAMES if name.rpartition(".")[2] not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_listed_exists(name):
    importlib.import_module("jsonschema._format")
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return
    pytest.fail(f"{name}: no such module")


@pytest.mark.parametrize("package", [name for name in VERSIONS if name != "Python"])
def test_the_list_was_read_for_the_installed_version(package):
    assert VERSIONS[package] == version(package), (
        f"Read the section of {package} in COMPAT.md, then correct it"
    )


# What a name alone does not say


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_nbgrader_calls_what_we_override_with_what_we_take():
    from nbgrader import preprocessors as stock

    assert parameters(stock.SaveCells._create_notebook) == ["self", "nb"]
    assert parameters(stock.SaveAutoGrades._add_score) == ["self", "cell", "resources"]
    assert parameters(stock.SaveAutoGrades._add_comment) == ["self", "cell", "resources"]
    assert parameters(stock.GetGrades._get_score) == ["self", "cell", "resources"]
    assert parameters(stock.InstantiateTests._load_test_template_file) == ["self", "resources"]
    from nbgrader.apps.api import NbGraderAPI

    assert parameters(NbGraderAPI._filter_existing_notebooks) == ["self", "assignment_id", "notebooks"]
    assert inspect.getsource(NbGraderAPI).count("self._filter_existing_notebooks(") >= 1
    # SaveCells finds nothing missing where `new_*_cells` holds what the gradebook has.
    source = inspect.getsource(stock.SaveCells)
    for name in ("new_grade_cells", "new_task_cells", "new_solution_cells", "new_source_cells"):
        assert source.count(f"self.{name}") >= 3, name


def test_jupyter_server_opens_its_sockets_where_we_do():
    from jupyter_server.serverapp import ServerApp

    assert parameters(ServerApp._find_http_port) == parameters(ServerApp._bind_http_server) == ["self"]
    source = inspect.getsource(ServerApp)
    assert source.count("self._find_http_port") == source.count("self._bind_http_server)") == 1
    assert parameters(ServerApp._signal_stop) == ["self", "sig", "frame"]


def test_ipython_shows_an_error_where_we_record_it():
    from IPython.core.interactiveshell import InteractiveShell

    assert parameters(InteractiveShell._showtraceback) == ["self", "etype", "evalue", "stb"]
    assert "self._showtraceback(" in inspect.getsource(InteractiveShell.showtraceback)
    assert "self._format_exception_for_storage(" in inspect.getsource(InteractiveShell)


def test_ipykernel_asks_sys_for_nothing_that_our_stand_in_lacks():
    import ipykernel.ipkernel

    source = inspect.getsource(ipykernel.ipkernel)
    stand_in = sharing._System()
    assert {hasattr(stand_in, name) for name in re.findall(r"\bsys\.(\w+)", source)} == {True}
    assert re.findall(r"sys\.modules(\S*)", source) == [".copy().values()"], "only files are asked for"
    assert all(isinstance(each.__file__, str) for each in stand_in.modules.values())


def test_a_generator_of_numpy_tells_its_bits_and_python_its_sources_of_chance():
    import random

    import numpy as np

    assert np.random.default_rng(7)._bit_generator.seed_seq.entropy == 7
    assert np.random.RandomState(7)._bit_generator is not None
    assert random.seed == random._inst.seed
    assert inspect.getsource(random).count("_urandom(") >= 2


@pytest.mark.parametrize("hidden", ["rfc3987_syntax", "aiodns"])
def test_what_we_hide_may_be_missing(hidden):
    code = (
        f"import sys; sys.modules['{hidden}'] = None; import aiohttp.resolver, jsonschema, jsonschema._format"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_engine_does_what_our_hooks_take_from_it():
    program = Path(str(distribution("jupyter-book").locate_file("jupyter_book/dist/jupyter-book.cjs")))
    source = program.read_text(encoding="utf-8")
    for text in ROW.findall(TEXT[TEXT.index("## jupyter-book") :]):
        assert text in source, text


@pytest.fixture(params=["sqlite", "postgresql"])
def book(request, tmp_path) -> Iterator[Gradebook]:
    """A gradebook of nbgrader's with one submission: a part with a score, an answer and a task."""
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres"))
        engine = create_engine(url)
        Base.metadata.create_all(engine)
        engine.dispose()
    else:
        url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    with Gradebook(url, "scaling") as made:
        made.add_assignment("counting")
        made.add_notebook("counting", "counting")
        made.add_grade_cell("part", "counting", "counting", max_score=2, cell_type="code")
        made.add_solution_cell("answer", "counting", "counting")
        made.add_task_cell("task", "counting", "counting", max_score=3, cell_type="markdown")
        made.add_student("ada")
        made.add_submission("counting", "ada")
        made.find_grade("part", "counting", "counting", "ada").auto_score = 1.5
        made.db.commit()
        yield made


def test_scores_reads_the_tables_that_nbgrader_has(book):
    for mine in (
        scores._ASSIGNMENT,
        scores._WORK,
        scores._NOTEBOOK,
        scores._CELL,
        scores._GRADE,
        *scores._MOST,
    ):
        theirs = Base.metadata.tables[mine.name]
        assert {column.name for column in mine.columns} <= set(theirs.columns.keys()), mine.name
    rows = sorted(tuple(row) for row in book.db.execute(scores._CELLS))
    assert rows == [
        ("ada", "counting", None, "part", 1.5, None, None, 2.0, True),
        ("ada", "counting", None, "task", None, None, None, 3.0, True),
    ]


def test_nobody_gives_points_while_grades_are_written(book):
    from nbgrader.api import Grade

    url = book.db.get_bind().url
    quick = {"timeout": 0} if url.get_backend_name() == "sqlite" else {"options": "-c lock_timeout=100"}
    other = create_engine(url, connect_args=quick)
    writer = StrictSaveAutoGrades()
    writer.gradebook, writer.assignment_id, writer.student_id = book, "counting", "ada"
    with Session(other) as formgrader:
        formgrader.execute(update(Grade).values(manual_score=1.0))
        formgrader.rollback()
        writer._hold_grades()
        with pytest.raises(OperationalError, match="lock"):
            formgrader.execute(update(Grade).values(manual_score=1.0))
        formgrader.rollback()
        book.db.commit()
        formgrader.execute(update(Grade).values(manual_score=1.0))
        formgrader.commit()
    assert book.db.scalars(select(Grade.auto_score).where(Grade.auto_score.is_not(None))).all() == [1.5]
    other.dispose()


def test_the_formgrader_has_the_handlers_that_we_put_ours_in_the_place_of():
    from nbgrader.server_extensions.formgrader import apihandlers, handlers
    from tpc_hub.formgrading.extension import _INSTEAD, TEMPLATES

    known = {row[1] for row in (*handlers.default_handlers, *apihandlers.default_handlers)}
    assert _INSTEAD.keys() <= known
    extended = {
        name
        for path in TEMPLATES.glob("*.tpl")
        for name in re.findall(r'"nbgrader/([^"]+)"', path.read_text())
    }
    assert extended
    assert [name for name in extended if not Path(handlers.template_path, name).exists()] == []


def test_a_spawner_has_one_log_name_for_each_server():
    from jupyterhub.spawner import Spawner

    assert isinstance(Spawner._log_name, property)
    assert "self.name" in inspect.getsource(Spawner._log_name.fget)
