"""What people are known by: sign-in name, e-mail, student number, and whether they ever signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEYS = {"sign_in": 255, "email": 254, "number": 60}


def upgrade() -> None:
    # Column by column: SQLite would make the table anew otherwise, and with it lose what refers to people.
    for name, length in KEYS.items():
        op.add_column("person", sa.Column(name, sa.String(length)))
    op.add_column("person", sa.Column("seen", sa.DateTime(timezone=True)))
    op.execute("update person set sign_in = name")
    op.execute("update person set seen = created where password_hash <> ''")
    for name in KEYS:
        op.create_index(f"person_{name}", "person", [name], unique=True)


def downgrade() -> None:
    for name in KEYS:
        op.drop_index(f"person_{name}", "person")
    for name in (*KEYS, "seen"):
        op.drop_column("person", name)
