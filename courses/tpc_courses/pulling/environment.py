"""What tells a person's server about lessons: variables of its environment."""

# What a server is told by its environment: where lessons come from, the campus service's address for people, and the
# file of the page that says something before a lesson opens (made by `tpc_hub.deploy.build`).
URL, CAMPUS, PAGE = "CAMPUS_LESSONS_URL", "CAMPUS_URL", "CAMPUS_LESSON_PAGE"
