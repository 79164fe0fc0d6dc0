"""Release, collection, grading and feedback on top of nbgrader."""

import tpc_kernels  # noqa: F401 first, for what it leaves out
