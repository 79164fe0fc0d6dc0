"""People, enrolments, class codes, lesson visits."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("name", sa.String(30), primary_key=True),
        sa.Column("display_name", sa.String(100), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("approved", sa.Boolean, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "enrolment",
        sa.Column("course", sa.String(40), primary_key=True),
        sa.Column(
            "person", sa.String(30), sa.ForeignKey("person.name", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("role", sa.String(20), nullable=False),
    )
    op.create_table(
        "class_code",
        sa.Column("course", sa.String(40), primary_key=True),
        sa.Column("code", sa.String(40), nullable=False, unique=True),
    )
    op.create_table(
        "lesson_visit",
        sa.Column(
            "person", sa.String(30), sa.ForeignKey("person.name", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("lesson", sa.String(90), primary_key=True),
        sa.Column("opened", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    for table in ("lesson_visit", "class_code", "enrolment", "person"):
        op.drop_table(table)
