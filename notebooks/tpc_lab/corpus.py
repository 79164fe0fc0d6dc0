"""Text for the language-model lessons: docstrings of installed scientific packages, harvested by AST.

`harvest` writes two files into a folder: `corpus.jsonl.gz`, one document a line (id, package, version, licence,
split, text), and `corpus.json`, its SHA-256 and counts. Nothing is imported from the packages and nothing is
downloaded. Exact duplicates are dropped, addresses are masked, and documents are split by their SHA-1.
"""

import ast
import gzip
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha1, sha256
from importlib import metadata
from pathlib import Path

__all__ = [
    "ALPHABET",
    "PACKAGES",
    "Document",
    "docstrings",
    "folder_of",
    "harvest",
    "load",
    "running_text",
    "scrub",
]

# Distribution and the package in it, with the version the shipped numbers were made with.
PACKAGES: Mapping[str, tuple[str, str]] = {
    "numpy": ("numpy", "2.4.6"),
    "scipy": ("scipy", "1.17.1"),
    "sympy": ("sympy", "1.14.0"),
    "scikit-learn": ("sklearn", "1.9.1"),
    "networkx": ("networkx", "3.6.1"),
    "astropy": ("astropy", "8.0.2"),
    "scikit-image": ("skimage", "0.26.0"),
    "statsmodels": ("statsmodels", "0.15.0"),
}
SHORTEST = 200  # characters; shorter docstrings are mostly one-line signatures
VALIDATION_SHARE = 50  # one document in 50 is held out
# What a document may hold, after the character that stands between documents: 97 symbols.
ALPHABET = "\0\n" + "".join(map(chr, range(32, 127)))
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")

_UNPRINTABLE = re.compile(r"[^\n -~]")


@dataclass(frozen=True)
class Document:
    """One docstring: `id` is the SHA-1 of its text, `split` is "train" or "validation"."""

    id: str
    package: str
    version: str
    licence: str
    split: str
    text: str


def scrub(text: str) -> str:
    """`text` with every e-mail address masked and every character but line feeds and printable ASCII a question mark.

    >>> scrub("Ask a.b@c.org about Erdős")
    'Ask <address> about Erd?s'
    """
    return _UNPRINTABLE.sub("?", _ADDRESS.sub("<address>", text))


def _split(digest: str) -> str:
    return "validation" if int(digest[:4], 16) % VALIDATION_SHARE == 0 else "train"


def _check(packages: Mapping[str, tuple[str, str]]) -> None:
    problems = []
    for name, (_, wanted) in packages.items():
        places = list(metadata.distributions(name=name))
        # Two in one folder are what a broken installation leaves; which one is read is a matter of luck.
        beside = [place for place in places if place.locate_file("") == places[0].locate_file("")]
        found = " and ".join(sorted(place.version for place in beside)) or "nothing"
        if found != wanted:
            force = "--force-reinstall " if len(beside) > 1 else ""
            problems.append(
                f"{name}: expected {wanted}, found {found}. Run: pip install {force}{name}=={wanted}"
            )
    if problems:
        raise RuntimeError("the corpus needs other packages:\n" + "\n".join(problems))


def _licence(name: str) -> str:
    about = metadata.metadata(name).json
    return str(about.get("license_expression") or about.get("license") or "see package").splitlines()[0][:60]


def docstrings(distribution: str, module: str) -> Iterator[str]:
    """The scrubbed docstrings of an installed package that are long enough, in the order of its files."""
    root = Path(str(metadata.distribution(distribution).locate_file(module)))
    for path in sorted(root.rglob("*.py")):
        yield from _long_docstrings(path)


def _long_docstrings(path: Path) -> list[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return []  # test data of the packages holds broken sources on purpose
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    texts = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
    return [scrub(text) for text in texts if text and len(text) >= SHORTEST]


def _documents(packages: Mapping[str, tuple[str, str]]) -> Iterator[Document]:
    seen: set[str] = set()
    for name, (module, version) in packages.items():
        licence = _licence(name)
        for text in docstrings(name, module):
            digest = sha1(text.encode()).hexdigest()
            if digest not in seen:
                seen.add(digest)
                yield Document(digest, name, version, licence, _split(digest), text)


def harvest(folder: Path, packages: Mapping[str, tuple[str, str]] = PACKAGES) -> Path:
    """Write the corpus of `packages` into `folder` and return the path of its text file.

    A RuntimeError lists every package that is missing or of another version, with the line that installs it.
    The files appear whole or not at all, and a second harvest writes the same bytes.
    """
    _check(packages)
    folder.mkdir(parents=True, exist_ok=True)
    documents = sorted(_documents(packages), key=lambda d: d.id)
    lines = "".join(json.dumps(asdict(d)) + "\n" for d in documents)
    data = gzip.compress(lines.encode(), compresslevel=6, mtime=0)
    about = {
        "sha256": sha256(data).hexdigest(),
        "documents": len(documents),
        "characters": sum(len(d.text) for d in documents),
        "packages": {name: version for name, (_, version) in packages.items()},
    }
    target = folder / "corpus.jsonl.gz"
    for path, content in ((target, data), (folder / "corpus.json", json.dumps(about, indent=1).encode())):
        part = path.with_suffix(path.suffix + ".part")
        part.write_bytes(content)
        part.replace(path)
    return target


def folder_of(folder: Path | None = None) -> Path:
    """`folder`, else CAMPUS_CORPUS, else the corpus folder of CAMPUS_STATE, else ./.campus/corpus."""
    if folder is not None:
        return folder
    if "CAMPUS_CORPUS" in os.environ:
        return Path(os.environ["CAMPUS_CORPUS"])
    return Path(os.environ.get("CAMPUS_STATE", ".campus")) / "corpus"


def load(folder: Path | None = None) -> Iterator[Document]:
    """The documents of a harvested corpus, in order of id, one at a time.

    FileNotFoundError names the command that builds it; a ValueError says that the file does not match its hash.
    """
    place = folder_of(folder)
    path, about = place / "corpus.jsonl.gz", place / "corpus.json"
    if not (path.is_file() and about.is_file()):
        raise FileNotFoundError(f"no corpus in {place}. Build it once with: campus build corpus")
    try:
        wanted = json.loads(about.read_text(encoding="utf-8"))["sha256"]
    except (ValueError, KeyError):
        wanted = f"nothing that can be read in {about.name}"
    if sha256(path.read_bytes()).hexdigest() != wanted:
        raise ValueError(f"{path} does not match its hash. Build it again with: campus build corpus")
    return _stream(path)


def _stream(path: Path) -> Iterator[Document]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield Document(**json.loads(line))


def running_text(split: str, folder: Path | None = None) -> str:
    """All documents of a split ("train" or "validation") as one text over ALPHABET, a NUL after each."""
    return "".join(f"{document.text}\0" for document in load(folder) if document.split == split)
