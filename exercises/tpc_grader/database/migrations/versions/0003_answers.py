"""What people gave to answers: points, extra credit and comments, each with the answer that was read."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "answer",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("course", sa.String(40), nullable=False),
        sa.Column("exercise", sa.String(60), nullable=False),
        sa.Column("student", sa.String(60), nullable=False),
        sa.Column("cell", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("row", sa.String(32), nullable=False),
        sa.Column("waits", sa.Boolean, nullable=False),
        sa.Column("points", sa.Float),
        sa.Column("extra", sa.Float),
        sa.Column("comment", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("answer_student", "answer", ["course", "exercise", "student"])


def downgrade() -> None:
    op.drop_table("answer")
