"""The formgrader with templates of ours before nbgrader's, and handlers of ours in the place of some of nbgrader's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyter_server.utils import url_path_join
from nbconvert import HTMLExporter
from nbgrader.server_extensions.formgrader import apihandlers
from nbgrader.server_extensions.formgrader import handlers as pages
from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension
from tornado.web import StaticFileHandler
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import read_course
from traitlets.config import Config

from tpc_hub.formgrading import handlers as ours
from tpc_hub.formgrading.start import CLASS_PAGE, COURSE

TEMPLATES = Path(__file__).parent / "templates"
_INSTEAD = {
    pages.FormgraderHandler: ours.Start,
    pages.SubmissionFilesHandler: ours.SubmittedFile,
    apihandlers.AssignmentHandler: ours.ReadAssignment,
    apihandlers.StudentHandler: ours.ReadStudent,
    apihandlers.ReleaseAllFeedbackHandler: ours.ReleaseFeedback,
    apihandlers.ReleaseFeedbackHandler: ours.ReleaseFeedback,
}


class CampusFormgrader(FormgradeExtension):
    """nbgrader's formgrader, set up for a campus."""

    def build_extra_config(self) -> Config:
        """Return nbgrader's own settings, with our template of a submission before its own."""
        config = super().build_extra_config()
        config.HTMLExporter.extra_template_basedirs = [str(TEMPLATES), pages.template_path]
        return config

    def init_tornado_settings(self, webapp: Any) -> None:
        """Set up templates; what a page says of a person or a path is text, never HTML."""
        super().init_tornado_settings(webapp)
        places = Places.find()
        course = read_course(places.courses / f"{os.environ[COURSE]}.yml", places)
        stock = FileSystemLoader(pages.template_path)
        loader = ChoiceLoader([FileSystemLoader(TEMPLATES), PrefixLoader({"nbgrader": stock}), stock])
        environment = Environment(loader=loader, autoescape=True)
        environment.globals["class_page"] = os.environ[CLASS_PAGE]
        environment.globals["course_title"] = course.title
        webapp.settings |= {"nbgrader_jinja2_env": environment, "tpc_places": places, "tpc_course": course}
        webapp.settings["nbgrader_exporter"] = HTMLExporter(config=self.config)

    def init_handlers(self, webapp: Any) -> None:
        """Serve nbgrader's pages, each with the gradebook as it is now."""
        served = [
            (path, _fresh(_INSTEAD.get(handler, handler)), *more)
            for path, handler, *more in (*pages.default_handlers, *apihandlers.default_handlers)
        ]
        served += [
            (r"/formgrader/preview/(source|release)/([^/]+)/?", _fresh(ours.Preview)),
            (r"/formgrader/static/(.*)", StaticFileHandler, {"path": pages.static_path}),
            (r"/formgrader/.*", ours.NotFound),
        ]
        base = webapp.settings["base_url"]
        rules = [(url_path_join(base, path.lstrip("/")), *rest) for path, *rest in served]
        webapp.add_handlers(".*$", rules)


def load(server: Any) -> None:
    """Load the formgrader into a server, as nbgrader's own extension does."""
    formgrader = CampusFormgrader(parent=server)
    formgrader.root_dir = server.root_dir
    formgrader.log = server.log
    formgrader.initialize([])
    formgrader.init_tornado_settings(server.web_app)
    formgrader.init_handlers(server.web_app)


def _fresh(handler: type) -> type:
    return (
        type(handler.__name__, (ours.Fresh, handler), {})
        if issubclass(handler, pages.BaseHandler)
        else handler
    )
