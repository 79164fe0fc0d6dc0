"""Announcements of instructors to their courses."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "announcement",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("course", sa.String(40), nullable=False, index=True),
        sa.Column("text", sa.String(1000), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("announcement")
