"""The queue, the audit log, regrade requests and what instructors decided about results."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_REFUSED = "the audit log is append-only"


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("submission", sa.String(20), nullable=False),
        sa.Column("submission_number", sa.Integer, nullable=False),
        sa.Column("course", sa.String(40), nullable=False),
        sa.Column("exercise", sa.String(60), nullable=False),
        sa.Column("student", sa.String(60), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("queued_at", sa.DateTime, nullable=False),
        sa.Column("not_before", sa.DateTime, nullable=False),
        sa.Column("started_at", sa.DateTime),
        sa.Column("finished_at", sa.DateTime),
        sa.Column("recorded_at", sa.DateTime),
        sa.Column("worker", sa.String(120), nullable=False),
        sa.Column("lease_until", sa.DateTime),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("before", sa.Text),
        sa.UniqueConstraint("submission", "version", "kind", "round"),
        sqlite_autoincrement=True,
    )
    op.create_index("job_state", "job", ["state", "kind"])
    op.create_index("job_student", "job", ["course", "exercise", "student"])
    op.create_index("job_started", "job", ["started_at"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("who", sa.String(120), nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("course", sa.String(40), nullable=False),
        sa.Column("exercise", sa.String(60), nullable=False),
        sa.Column("student", sa.String(60), nullable=False),
        sa.Column("submission", sa.String(20), nullable=False),
        sa.Column("cell", sa.String(120), nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_course", "audit", ["course", "exercise", "student"])
    op.create_table(
        "regrade_request",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("submission", sa.String(20), nullable=False),
        sa.Column("course", sa.String(40), nullable=False),
        sa.Column("exercise", sa.String(60), nullable=False),
        sa.Column("student", sa.String(60), nullable=False),
        sa.Column("cell", sa.String(120), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("requested_at", sa.DateTime, nullable=False),
        sa.Column("decision", sa.String(10), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("answered_by", sa.String(60), nullable=False),
        sa.Column("answered_at", sa.DateTime),
    )
    op.create_index("regrade_request_course", "regrade_request", ["course", "exercise", "student"])
    op.create_table(
        "policy",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("course", sa.String(40), nullable=False),
        sa.Column("exercise", sa.String(60), nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("value", sa.String(60), nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_index("policy_course", "policy", ["course", "name"])
    _make_append_only("audit")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_append_only ON audit")
        op.execute("DROP FUNCTION audit_append_only()")
    for table in ("policy", "regrade_request", "audit", "job"):
        op.drop_table(table)


def _make_append_only(table: str) -> None:
    """Let the database itself refuse to change what was logged."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
