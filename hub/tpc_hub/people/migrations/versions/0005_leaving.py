"""Approval of each enrolment, the end of earlier sign-ins, and links that set a password once."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("enrolment", sa.Column("approved", sa.Boolean, nullable=False, server_default=sa.true()))
    op.add_column("person", sa.Column("signed_out", sa.DateTime(timezone=True)))
    op.create_table(
        "password_link",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("person", sa.String(30), sa.ForeignKey("person.name", ondelete="CASCADE"), nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("password_link")
    op.drop_column("person", "signed_out")
    op.drop_column("enrolment", "approved")
