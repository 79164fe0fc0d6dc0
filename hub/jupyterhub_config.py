"""Wiring only: what the hub does is decided in tpc_hub.deploy.configure, from settings and course manifests."""

from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses
from tpc_hub.deploy.configure import configure
from tpc_hub.settings.profile import load_settings

places = Places.find()
configure(get_config(), load_settings(places), load_courses(places), places)  # noqa: F821
