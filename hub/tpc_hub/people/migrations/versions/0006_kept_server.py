"""Servers that their people asked to be kept."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "kept_server",
        sa.Column(
            "person", sa.String(30), sa.ForeignKey("person.name", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("kept_server")
