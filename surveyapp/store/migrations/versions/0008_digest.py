"""A daily digest of Today: who wants it, and what was sent of each day"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('digest',
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('wanted', sa.Boolean(), nullable=False),
    sa.Column('at', sa.Time(), nullable=False),
    sa.Column('time_zone', sa.String(), nullable=False),
    sa.Column('addresses', sa.String(), nullable=False),
    sa.Column('when_quiet', sa.Boolean(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=True),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(next_at IS NOT NULL) = wanted', name=op.f('ck_digest_next_at')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_digest_staff_id')),
    sa.PrimaryKeyConstraint('staff_id', name=op.f('pk_digest'))
    )
    op.create_index('ix_digest_next_at', 'digest', ['next_at'])
    op.create_table('digest_message',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('time_zone', sa.String(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('counts', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('message_id', sa.String(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(next_at IS NULL) = (status <> 'waiting')", name=op.f('ck_digest_message_next_at')),
    sa.CheckConstraint("status IN ('waiting', 'sent', 'refused', 'too late', 'not needed')", name=op.f('ck_digest_message_status')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_digest_message_staff_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_digest_message')),
    sa.UniqueConstraint('staff_id', 'day', 'email', name=op.f('uq_digest_message_staff_id_day_email'))
    )
    op.create_index('ix_digest_message_next_at', 'digest_message', ['next_at'])
