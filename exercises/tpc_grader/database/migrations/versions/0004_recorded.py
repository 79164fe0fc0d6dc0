"""How often a result took too long to be written down, and an index for how long it took others of a course."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("job", sa.Column("overdue", sa.Integer, nullable=False, server_default="0"))
    # Without it each estimate reads the jobs of all courses.
    op.create_index("job_course", "job", ["course", "kind", "number"])


def downgrade() -> None:
    op.drop_index("job_course", "job")
    op.drop_column("job", "overdue")
