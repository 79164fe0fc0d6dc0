"""An IPython shell without Jupyter's messages: runs cells and keeps what they put out, within caps."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from tpc_grader.inside.kernel import Kernel, equip

TRUNCATED = "\n... output truncated ...\n"
TRACEBACK_LINES = 60


@dataclass(frozen=True)
class Caps:
    """How much a cell, and all cells together, may put out."""

    cell_bytes: int = 512 * 2**10
    total_bytes: int = 2 * 2**20
    outputs: int = 60


class Recorder:
    """Collects the outputs of one cell after another. What goes beyond the caps is dropped and said once."""

    def __init__(self, caps: Caps) -> None:
        self.caps = caps
        self.total = 0
        self.start()

    def start(self) -> None:
        """Begin a new cell."""
        self.outputs: list[dict[str, Any]] = []
        self.bytes = 0
        self.truncated = False

    def add(self, output: dict[str, Any], size: int) -> None:
        """Keep an output of a known size, or drop it."""
        if self._has_room(size) and len(self.outputs) < self.caps.outputs:
            self._count(size)
            self.outputs.append(output)
        else:
            self._truncate()

    def write(self, name: str, text: str) -> None:
        """Keep text of a stream; a piece that does not fit is cut."""
        if self.truncated or not text:
            return
        room = min(self.caps.cell_bytes - self.bytes, self.caps.total_bytes - self.total)
        piece = text[: max(0, room)]
        last = self.outputs[-1] if self.outputs else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["pieces"].append(piece)
        elif len(self.outputs) < self.caps.outputs:
            self.outputs.append({"output_type": "stream", "name": name, "pieces": [piece]})
        self._count(len(piece))
        if len(piece) < len(text):
            self._truncate()

    def finished(self) -> list[dict[str, Any]]:
        """Return the outputs of the cell."""
        for output in self.outputs:
            if "pieces" in output:
                output["text"] = "".join(output.pop("pieces"))
        return self.outputs

    def _has_room(self, size: int) -> bool:
        return self.bytes + size <= self.caps.cell_bytes and self.total + size <= self.caps.total_bytes

    def _count(self, size: int) -> None:
        self.bytes += size
        self.total += size

    def _truncate(self) -> None:
        if not self.truncated:
            self.truncated = True
            self.outputs.append({"output_type": "stream", "name": "stdout", "pieces": [TRUNCATED]})


class Stream(io.TextIOBase):
    """Standard output or error of a cell."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self.recorder = recorder
        self.name = name

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.recorder.write(self.name, text)
        return len(text)

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "UTF-8"

    def fileno(self) -> int:
        """Return a descriptor for programs that are started with this stream; what they write is not kept."""
        return 2 if self.name == "stderr" else 1


class _Publisher(DisplayPublisher):
    def publish(self, data: Any, metadata: Any = None, source: Any = None, **_: Any) -> None:
        _add_display(Shell.instance().recorder, "display_data", data)

    def clear_output(self, wait: bool = False) -> None:
        Shell.instance().recorder.outputs.clear()


class _Hook(DisplayHook):
    def write_output_prompt(self) -> None:
        """Show no prompt: a notebook has none in its outputs."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        _add_display(Shell.instance().recorder, "execute_result", format_dict)


def _add_display(recorder: Recorder, kind: str, data: Any) -> None:
    texts = {str(mime): str(body) for mime, body in dict(data).items() if isinstance(body, str)}
    recorder.add({"output_type": kind, "data": texts}, sum(map(len, texts.values())))


class Shell(InteractiveShell):
    """The shell; `recorder` takes what cells put out."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)
    recorder: Recorder
    kernel: Kernel
    # Nobody sees what a scored run puts out, and a traceback costs more than most cells.
    quiet = False

    def showtraceback(self, *args: Any, **kwargs: Any) -> None:
        if not self.quiet:
            super().showtraceback(*args, **kwargs)

    def showsyntaxerror(self, *args: Any, **kwargs: Any) -> None:
        if not self.quiet:
            super().showsyntaxerror(*args, **kwargs)  # type: ignore[no-untyped-call]

    def _format_exception_for_storage(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Keep no traceback for a history that nobody reads."""
        return {}

    def enable_gui(self, gui: Any = None) -> None:
        """Accept `%gui`: there is no event loop to integrate."""

    def enable_matplotlib(self, gui: Any = None) -> Any:
        """Show figures in the notebook, whatever `%matplotlib` asks for: nobody can touch them."""
        return super().enable_matplotlib("inline")  # type: ignore[no-untyped-call]

    def ask_exit(self) -> None:
        """Accept `exit()`: cells after it run, as when a student goes on."""

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        lines = [str(line) for line in stb]
        if len(lines) > TRACEBACK_LINES:
            lines = [*lines[: TRACEBACK_LINES // 2], "...", *lines[-TRACEBACK_LINES // 2 :]]
        error = {"output_type": "error", "ename": etype.__name__, "evalue": _safe(evalue), "traceback": lines}
        self.recorder.add(error, len(_safe(evalue)) + sum(map(len, lines)))


def make_shell() -> Shell:
    """Return the shell of this process; made before a fork, every child has one of its own."""
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    is_new = not Shell.initialized()
    made: Shell = Shell.instance(config=config)
    if is_new:
        equip(made)
    return made


def attach(shell: Shell, recorder: Recorder, plots: bool) -> None:
    """Record what cells put out from now on; with `plots` figures appear as images, else nothing is shown."""
    shell.recorder, shell.quiet = recorder, not plots
    if plots:
        _show_figures(shell)
    sys.stdout, sys.stderr = Stream(recorder, "stdout"), Stream(recorder, "stderr")


def _show_figures(shell: Shell) -> None:
    """Show open figures at the end of a cell, as a kernel does; costs nothing until pyplot is used."""
    if "matplotlib" in sys.modules:  # else the backend makes itself ready when the first figure needs it
        import matplotlib
        from matplotlib_inline.config import InlineBackend

        matplotlib.interactive(True)  # the inline backend draws what was made while this was set
        InlineBackend.instance(parent=shell).shell = shell

    def flush() -> None:
        if "matplotlib.pyplot" not in sys.modules:
            return
        if shell.quiet:  # nobody looks at them; a kernel too closes what it has shown
            sys.modules["matplotlib.pyplot"].close("all")
        else:
            from matplotlib_inline.backend_inline import configure_inline_support, flush_figures

            configure_inline_support(shell, "module://matplotlib_inline.backend_inline")
            flush_figures()

    shell.events.register("post_execute", flush)


def _safe(value: Any) -> str:
    """Return an error's text; one whose __str__ fails still gets a line."""
    try:
        return str(value)[:2000]
    except BaseException:
        return "(its text cannot be shown)"
