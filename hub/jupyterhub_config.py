"""Wiring only: what the hub does is decided in tpc_hub.configure, from settings and course manifests."""

from tpc_courses.manifest import load_courses
from tpc_courses.places import Places
from tpc_hub.configure import configure
from tpc_hub.settings import load_settings

places = Places.find()
configure(get_config(), load_settings(places), load_courses(places), places)  # noqa: F821
