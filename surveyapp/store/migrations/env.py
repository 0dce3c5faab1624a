"""Alembic's entry: runs the versions on the connection that `schema.migrate` hands over."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from surveyapp.store import (
    tables,
    tables_access,
    tables_backup,
    tables_care,
    tables_consent,
    tables_digest,
    tables_entry,
    tables_group,
    tables_keeping,
    tables_reach,
    tables_signin,
    tables_trail,
    tables_wording,
)

assert tables.Study.metadata is tables_access.Event.metadata is SQLModel.metadata
assert tables_entry.Pin.metadata is tables_reach.Stop.metadata is SQLModel.metadata
assert tables_care.Alert.metadata is tables_group.Note.metadata is SQLModel.metadata
assert tables_keeping.Erasure.metadata is SQLModel.metadata
assert tables_digest.Digest.metadata is SQLModel.metadata
assert tables_signin.StaffSession.metadata is SQLModel.metadata
assert tables_digest.Digest.metadata is tables_consent.ConsentForm.metadata is SQLModel.metadata
assert tables_digest.Digest.metadata is tables_trail.TrailHead.metadata is SQLModel.metadata
assert tables_backup.BackupRun.metadata is SQLModel.metadata
assert tables_digest.Digest.metadata is tables_wording.Permission.metadata is SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
