"""Backups and drills are on record"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('backup_run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seconds', sa.Float(), nullable=False),
    sa.Column('file', sa.String(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('words', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('host', sa.String(), nullable=False),
    sa.CheckConstraint("kind IN ('backup', 'drill')", name=op.f('ck_backup_run_kind')),
    sa.CheckConstraint("outcome IN ('running', 'good', 'failed')", name=op.f('ck_backup_run_outcome')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_backup_run'))
    )
    op.create_index('ix_backup_run_kind_started_at', 'backup_run', ['kind', 'started_at'])
