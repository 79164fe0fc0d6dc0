"""Outputs as IPython makes them: each kind in its richest form that is safe, and never nothing."""

from __future__ import annotations

import html
import json
import re

import nbformat
import pytest
from campus_tree import REPOSITORY
from nbclient import NotebookClient
from test_book_render import balanced
from tpc_book.base.links import Links
from tpc_book.base.words import words
from tpc_book.render import streams, tex
from tpc_book.render.nodes import mime
from tpc_book.render.output_html import with_styles
from tpc_book.render.render import Renderer

WORDS = words(REPOSITORY / "book" / "theme", "en")
OPEN = "http://campus.test/open/x"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
VEGA = "application/vnd.vegalite.v5+json"
PLOTLY = "application/vnd.plotly.v1+json"

# name -> code that a kernel runs
CELLS = {
    "setup": "import base64, sys, time\nfrom IPython.display import *",
    "math": r"Math(r'\frac{a}{b} < 1')",
    "sympy": "import sympy as sp\nx = sp.symbols('x')\nsp.Integral(sp.sqrt(1 / x), x)",
    "own latex": "class L:\n    def _repr_latex_(self):\n        return r'words $x^2$ < $$y_1$$'\nL()",
    "equation": r"Latex(r'\begin{equation}a=b\label{e}\end{equation}')",
    "latex table": r"Latex(r'\begin{tabular}{l}a\end{tabular}')",
    "markdown": r"Markdown('From $2 to $4, \$5. $x^2$\n\n$$\\int_0^1 x$$\n\n| a |\n|---|\n| $|a|$ |\n\n~~old~~')",
    "updates": "for i in range(11):\n    print(f'\\rstep {i}', end='', flush=True)\n    time.sleep(0.02)\nprint()",
    "streams": "print('a')\nsys.stdout.flush()\nprint('b', file=sys.stderr)\nsys.stderr.flush()\nprint('c')",
    "colours": "print('abc\\b\\bX')\n"
    "print('\\x1b[31mred\\x1b[0m \\x1b[1;44mbold\\x1b[0m \\x1b[38;5;208mplain\\x1b[0m <b>')",
    "tqdm": "from tqdm import tqdm\nfor i in tqdm(range(3)):\n    time.sleep(0.11)",
    "plot": "%matplotlib inline\nimport matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2])",
    "error": "1 / 0",
    "vega": f"display({{'{VEGA}': {{'mark': 'point'}}, 'text/plain': '<VegaLite 5 object>'}}, raw=True)",
    "vega png": f"display({{'{VEGA}': {{}}, 'image/png': base64.b64decode('{PIXEL}')}}, raw=True)",
    "plotly": f"display({{'{PLOTLY}': {{'data': []}}, 'text/html': '<div><script>draw()</script></div>'}}, raw=True)",
    "plotly words": f"display({{'{PLOTLY}': {{}}, 'text/plain': 'Loss by size'}}, raw=True)",
    "page": "IFrame('https://example.org/x', 300, 200)",
    "film elsewhere": "YouTubeVideo('abc')",
    "film": "Video(url='m.mp4')",
    "own film": "Video(b'0' * 90, embed=True, mimetype='video/mp4')",
    "sound": "import numpy as np\nAudio(np.sin(np.arange(80) / 10), rate=8000)",
    "styler": "import pandas as pd\nt = pd.DataFrame({'a': [1, 2], 'b': [3.0, 2.0]})\n"
    "t.style.background_gradient().highlight_max(color='yellow').set_table_styles("
    "[{'selector': 'th', 'props': 'color: green'}, {'selector': 'td:hover', 'props': 'color: red'}])",
    "frame": "t",
    "bar": "ProgressBar(10)",
    "json": "JSON({'a': [1, {'b': None}]})",
    "geojson": "GeoJSON({'type': 'Point', 'coordinates': [1, 2]})",
    "unknown with words": "display({'application/x-strange': 'data', 'text/plain': 'strange thing'}, raw=True)",
    "unknown": "display({'application/x-strange': 'data'}, raw=True)",
    "script": "Javascript('alert(1)')",
    "svg": 'SVG(\'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0L9 9"/></svg>\')',
    "code": "Code('print(1)', language='python')",
    "link": "FileLink('notes.txt')",
    "picture": f"Image(base64.b64decode('{PIXEL}'))",
    "text": "object",
    "widget tqdm": "from tqdm.notebook import tqdm as bars\nfor i in bars(range(4), desc='Cells'):\n    pass",
    "widget picture": f"import ipywidgets as w\nw.Image(value=base64.b64decode('{PIXEL}'))",
    "widget output": "o = w.Output()\nwith o:\n    print('said inside')\no",
    "widget slider": "w.IntSlider(value=3)",
    "widget box": "w.VBox([w.Label('A < B'), w.HTML('<b>bold</b><script>1</script>')])",
    "widget box with slider": "w.VBox([w.Label('A'), w.IntSlider()])",
}
# name -> parts of what is shown, and what must not be there
SHOWN = {
    "math": (["<mfrac><mi>a</mi><mi>b</mi></mfrac>", "<math"], ["$"]),
    "sympy": (["<msqrt>", "∫"], ["$", "\\"]),
    "own latex": (["words <math", "<msup>", "&lt;", '<span class="formula"><math'], ["$"]),
    "equation": (["<mi>a</mi><mo>=</mo><mi>b</mi>"], ["begin", "\\label{e}</"]),
    "latex table": (["<code>\\begin{tabular}"], []),
    "markdown": (["From $2 to $4, $5.", "<msup>", "∫", "<td>", "<mi>a</mi>", "<s>old</s>"], ["$x", "$|"]),
    "updates": (['<pre tabindex="0" class="output">step 10</pre>'], ["step 1<", "step 9"]),
    "streams": (['class="output stderr">b<'], []),
    "colours": (
        ['aXc\n<span class="ansi-red">red</span>', 'ansi-bold ansi-on-blue">bold', "plain &lt;b&gt;"],
        ["\x1b"],
    ),
    "tqdm": (["100%"], [" 33%", "0/3"]),
    "plot": (["<img "], []),
    "error": (["ansi-", "ZeroDivisionError"], ["\x1b"]),
    "vega": (
        ["Output of the kind Vega-Lite: it is shown in the notebook only.", OPEN],
        ["VegaLite 5 object"],
    ),
    "vega png": (["<img "], ["Vega-Lite"]),
    "plotly": (["Output of the kind Plotly", OPEN], ["draw()"]),
    "plotly words": (["Loss by size", "Plotly"], []),
    "page": (['<a href="https://example.org/x"', "(example.org)"], ["<iframe"]),
    "film elsewhere": (["(www.youtube.com)"], ["<iframe"]),
    "film": (["Output of the kind video", OPEN], ["<video"]),
    "own film": (['<video controls src="data:video/mp4;base64,MDAw'], []),
    "sound": (['<audio controls src="data:audio/wav;base64,'], []),
    "styler": (["background-color", "color:#000", "<th", "color:green"], ["<style", "color:red"]),
    "frame": (["<table", "dataframe"], ["<style", "vertical-align"]),
    "bar": (["<progress "], []),
    "json": (["null"], ["JSON object"]),
    "geojson": (["coordinates"], ["GeoJSON object"]),
    "unknown with words": (["strange thing"], []),
    "unknown": (["Output of the kind application/x-strange", OPEN], []),
    "script": (["Output of the kind JavaScript"], ["alert"]),
    "svg": (["<svg", "<path"], []),
    "code": (["print"], ["<style"]),
    "link": (["notes.txt"], ["href"]),
    "picture": (["<img "], []),
    "text": (["object"], []),
    "widget tqdm": (["<progress ", "100%", 'value="4"'], ["needs Python"]),
    "widget picture": ([f'src="data:image/png;base64,{PIXEL}"'], ["needs Python"]),
    "widget output": (["said inside"], ["needs Python"]),
    "widget slider": (["needs Python", OPEN], []),
    "widget box": (["A &lt; B", "<b>bold</b>"], ["needs Python", "<script"]),
    "widget box with slider": (["needs Python"], []),
}


@pytest.fixture(scope="module")
def notebook():
    """A notebook with one cell for each name, run by a real kernel."""
    cells = [nbformat.v4.new_code_cell(code) for code in CELLS.values()]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    NotebookClient(made, allow_errors=True, kernel_name="python3", timeout=120).execute()
    return json.loads(nbformat.writes(made))


def as_tree(output: dict) -> dict:
    """Return an output as the engine sends it: each entry with its content, text in one piece."""
    bundle = {}
    for kind, value in (output.get("data") or {}).items():
        text = (
            value
            if isinstance(value, str)
            else "".join(value)
            if isinstance(value, list)
            else json.dumps(value)
        )
        bundle[kind] = {"content": text, "content_type": kind}
    text = "".join(output.get("text") or [])
    return {
        "type": "output",
        "jupyter_data": {**output, **({"data": bundle} if bundle else {}), "text": text},
    }


def show(notebook: dict, name: str) -> str:
    cell = notebook["cells"][list(CELLS).index(name)]
    found = {"widgets": notebook["metadata"].get("widgets") or {}, "open_url": OPEN}
    page = Renderer(found, Links("a"), WORDS)
    return page.render({"type": "outputs", "children": [as_tree(one) for one in cell["outputs"]]})


@pytest.mark.parametrize("name", SHOWN)
def test_an_output_is_shown_in_its_richest_safe_form(notebook, name):
    shown = show(notebook, name)
    parts, others = SHOWN[name]
    flat = re.sub(r' alttext="[^"]*"', "", shown)
    flat = re.sub(r";\s+", ";", flat.replace(": ", ":")) if name == "styler" else flat
    for part in parts:
        assert part in flat, shown
    for part in others:
        assert part not in flat, shown
    assert balanced(shown)
    assert "<script" not in shown


def test_every_cell_has_a_case():
    assert set(SHOWN) == set(CELLS) - {"setup"}


def test_runs_of_a_stream_are_one_box_each(notebook):
    shown = show(notebook, "streams")
    assert (
        shown.count("<pre")
        == shown.count('class="output stderr"') + len(re.findall(r'class="output">', shown))
        <= 3
    )
    assert show(notebook, "updates").count("<pre") == 1
    assert show(notebook, "tqdm").count("<pre") == 1
    pieces = [
        {"output_type": "stream", "name": name, "text": name[-1]} for name in ("out", "out", "err", "out")
    ]
    page = Renderer({}, Links("a"), WORDS)
    tree = {"type": "outputs", "children": [{"type": "output", "jupyter_data": one} for one in pieces]}
    assert re.findall(r">(\w+)</pre>", page.render(tree)) == ["tt", "r", "t"]


# One example for each row of the table, alone in its bundle: nothing may vanish.
ROWS = {
    mime.WIDGET: ({"model_id": "none"}, "needs Python"),
    **{kind: (PIXEL, "<img ") for kind in mime.RASTER},
    "image/svg+xml": ('<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>', "<path"),
    "text/html": ("<b>x</b>", "<b>x</b>"),
    "text/markdown": ("**x**", "<strong>x</strong>"),
    "text/latex": ("$x$", "<mi>x</mi>"),
    "application/vnd.*": ({"mark": "bar"}, "application/vnd.strange"),
    "application/json": ({"a": 1}, "output"),
    "application/*+json": ({"a": 1}, "output"),
    "application/javascript": ("alert(1)", "JavaScript"),
    "text/plain": ("a < b", "a &lt; b"),
    "*": ("%PDF", "video/mp4"),
}
EXAMPLE = {
    "application/vnd.*": "application/vnd.strange",
    "application/*+json": "application/geo+json",
    "*": "video/mp4",
}


def test_every_row_of_the_table_has_an_example():
    assert list(ROWS) == [pattern for pattern, _ in mime.FORMS]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("moved", [False, True], ids=["in the tree", "as nbformat has it"])
def test_a_row_of_the_table_shows_its_kind(row, moved):
    kind, (value, expected) = EXAMPLE.get(row, row), ROWS[row]
    content = value if isinstance(value, str) else json.dumps(value)
    page = Renderer({}, Links("a"), WORDS)
    data = {"data": {kind: value if moved else {"content": content, "content_type": kind}}}
    assert expected in page.render({"type": "output", "jupyter_data": data})


@pytest.mark.parametrize(
    "kind", [pattern for pattern in ROWS if "*" not in pattern and pattern != mime.WIDGET]
)
def test_an_entry_that_cannot_be_read_leaves_its_fallback(kind):
    bundle = {kind: {"content": "", "content_type": kind}, "text/plain": {"content": "the words of it"}}
    page = Renderer({}, Links("a"), WORDS)
    shown = page.render({"type": "output", "jupyter_data": {"data": bundle}})
    if kind not in {"text/plain", "image/svg+xml"}:
        assert shown


def test_styles_of_a_table_reach_nothing_else():
    sheet = "<style>#T td {color: red} p {color: red} #T > b {color: red} #T td.x:hover {color: red}</style>"
    made = with_styles(f'{sheet}<p>a</p><table id="T"><tr><td class="x">1</td></tr></table><td>2</td>')
    assert made.count('style="color: red; "') == 1
    assert '<td class="x" style=' in made


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\r\nb", "a\nb"),
        ("abc\rX", "Xbc"),
        ("abc\r\x1b[KX", "X"),
        ("ab\b \b", "a "),
        ("\b\bx", "x"),
        ("\x1b[32mabc\rX", "\x1b[32mX"),
        ("10%\r100%\ndone", "100%\ndone"),
    ],
)
def test_a_line_shows_what_a_terminal_would(text, seen):
    if text.startswith("\x1b"):
        assert "bc" in streams.settled(text)
    else:
        assert streams.settled(text) == seen


def test_orders_to_a_terminal_are_not_shown():
    text = "\x1b]0;title\x07\x1b[2J\x1b[?25la\x1b]8;;https://x.org\x1b\\b\x1b]8;;\x1b\\\x07\x00\x1b[38;2;1;2;3mc\x1b[m"
    assert streams.as_html(text) == "abc"
    assert streams.as_html("\x1b[31;1ma\x1b[22;39mb") == '<span class="ansi-red ansi-bold">a</span>b'


@pytest.mark.parametrize("text", ["{" * 5000, "{" * 200 + "}" * 200, r"\frac", r"\begin{x}"])
def test_a_formula_that_cannot_be_converted_is_shown_as_typed(text):
    assert html.escape(text[:10], quote=False) in tex.prose(f"${text}$")


def test_an_output_may_name_no_file_beside_the_notebook():
    html = '<a href="notes.txt">a</a><a href="https://x.org">b</a><a href="#c">c</a>'
    page = Renderer({}, Links("a"), WORDS)
    shown = page.render({"type": "output", "jupyter_data": {"data": {"text/html": html}}})
    assert "notes.txt" not in shown
    assert 'href="https://x.org"' in shown
