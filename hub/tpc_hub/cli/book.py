"""Commands for the book."""

from __future__ import annotations

from pathlib import Path

import click
from tpc_courses.base.places import Places
from tpc_courses.base.words import counted

from tpc_hub.cli.group import main
from tpc_hub.settings.profile import load_settings


@main.group()
def book() -> None:
    """Write the book, or take it along. `campus build book` publishes it."""


@book.command("serve")
@click.option("--port", default=8600, show_default=True, help="The one above it is used too.")
def book_serve(port: int) -> None:
    """Show the book while you write it; a page follows what you save.

    \b
    Example:
      campus book serve --port 8600
    """
    from tpc_book.site.live import serve

    places = Places.find()
    serve(places, load_settings(places).campus_url, port, click.echo)


@book.command("check")
def book_check() -> None:
    """Look at every page of the built book in a browser: accessibility, HTML, links, weight, keyboard, Lighthouse.

    \b
    Example:
      campus build book && campus book check
    """
    from tpc_book.gates.check import check_book

    report = check_book(Places.find(), click.echo)
    for line in [*report.lines, *(f"Note: {note}" for note in report.notes)]:
        click.echo(line)
    if report.problems:
        raise RuntimeError("\n".join(str(problem) for problem in sorted(set(report.problems))))
    click.echo("The book passes.")


@book.command("zip")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def book_zip(file: Path) -> None:
    """Write the book as a zip that opens from a disk, with search and figures, without a server.

    \b
    Example:
      campus book zip tpc-campus.zip
    """
    from tpc_book.site.offline import write_zip

    places = Places.find()
    pages = write_zip(places, load_settings(places).campus_url, file)
    click.echo(f"{file}: {counted(pages, 'page')}. Unpack it and open tpc-campus/index.html.")


@book.command("pdf")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
def book_pdf(folder: Path | None) -> None:
    """Print the book and each course as PDF with the system's Chromium, and offer them on the book's pages.

    With a FOLDER the files are copied there too.

    \b
    Examples:
      campus book pdf
      campus book pdf handouts
    """
    from tpc_book.site.take_along import print_pdfs

    places = Places.find()
    print_pdfs(places, load_settings(places).campus_url, folder, click.echo)


@book.command("epub")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def book_epub(folder: Path) -> None:
    """Write the book and each course as EPUB to a folder. The book's own pages offer them after every build.

    \b
    Example:
      campus book epub handouts
    """
    from tpc_book.site.take_along import write_epubs

    places = Places.find()
    for file in write_epubs(places, load_settings(places).campus_url, folder):
        click.echo(f"{file}: {file.stat().st_size / 2**10:.0f} KiB")
