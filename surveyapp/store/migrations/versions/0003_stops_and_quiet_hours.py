"""Stops, pauses, and quiet hours of a person"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('stop',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('participant_id', sa.Integer(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('recorded_by', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('undone_by', sa.String(), nullable=False),
    sa.Column('undone_why', sa.String(), nullable=False),
    sa.CheckConstraint("(until IS NULL) = (kind <> 'paused')", name=op.f('ck_stop_until')),
    sa.CheckConstraint("kind IN ('paused', 'messages stopped', 'treatment stopped', 'left the study', 'lost to follow-up', 'died')", name=op.f('ck_stop_kind')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_stop_course_id')),
    sa.ForeignKeyConstraint(['participant_id'], ['participant.id'], name=op.f('fk_stop_participant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stop'))
    )
    op.create_index('ix_stop_participant_id', 'stop', ['participant_id'])
    # Plain columns: SQLite would make a table with a check anew, and others refer to this one.
    op.add_column('participant', sa.Column('quiet_from', sa.Time(), nullable=True))
    op.add_column('participant', sa.Column('quiet_until', sa.Time(), nullable=True))
