"""A function for each kind of node of the engine's tree, by what they are about; imported to register them."""

from tpc_book.render.nodes import blocks, boxes, code, formulas, inline, media, notebook, references, tables

__all__ = ["blocks", "boxes", "code", "formulas", "inline", "media", "notebook", "references", "tables"]
