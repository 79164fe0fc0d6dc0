"""Submissions and extensions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "submission",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(20), nullable=False, unique=True),
        sa.Column("course", sa.String(40), nullable=False),
        sa.Column("exercise", sa.String(60), nullable=False),
        sa.Column("student", sa.String(60), nullable=False),
        sa.Column("received_at", sa.DateTime, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("receipt", sa.Text, nullable=False),
        sa.UniqueConstraint("course", "exercise", "student", "received_at"),
        sqlite_autoincrement=True,
    )
    op.create_index("submission_student", "submission", ["student", "received_at"])
    op.create_table(
        "extension",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("course", sa.String(40), nullable=False),
        sa.Column("exercise", sa.String(60), nullable=False),
        sa.Column("student", sa.String(60), nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("granted_by", sa.String(60), nullable=False),
        sa.Column("granted_at", sa.DateTime, nullable=False),
    )
    op.create_index("extension_student", "extension", ["course", "exercise", "student"])


def downgrade() -> None:
    for table in ("extension", "submission"):
        op.drop_table(table)
