"""Programme of sessions, attendance, notes and intentions, reasons for missing forms, second entries"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('session_date',
    sa.Column('retreat_id', sa.Integer(), nullable=False),
    sa.Column('session', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('label', sa.String(), nullable=False),
    sa.Column('held_on', sa.Date(), nullable=True),
    sa.Column('held_at', sa.Time(), nullable=True),
    sa.Column('dropped', sa.Boolean(), nullable=False),
    sa.Column('edition', sa.Integer(), nullable=False),
    sa.Column('set_by', sa.String(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('preparation', 'dosing', 'integration')", name=op.f('ck_session_date_kind')),
    sa.ForeignKeyConstraint(['retreat_id'], ['retreat.id'], name=op.f('fk_session_date_retreat_id')),
    sa.PrimaryKeyConstraint('retreat_id', 'session', name=op.f('pk_session_date'))
    )
    op.create_table('attendance',
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('session', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('edition', sa.Integer(), nullable=False),
    sa.Column('recorded_by', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("status IN ('', 'attended', 'partly', 'absent')", name=op.f('ck_attendance_status')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_attendance_course_id')),
    sa.PrimaryKeyConstraint('course_id', 'session', name=op.f('pk_attendance'))
    )
    op.create_table('note',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.Column('recorded_by', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_by', sa.String(), nullable=False),
    sa.Column('withdrawn_why', sa.String(), nullable=False),
    sa.CheckConstraint("kind IN ('note', 'intention')", name=op.f('ck_note_kind')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_note_course_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_note'))
    )
    op.create_index('ix_note_course_id', 'note', ['course_id'])
    op.create_table('missing_form',
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('timepoint', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('edition', sa.Integer(), nullable=False),
    sa.Column('recorded_by', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("reason IN ('died', 'too unwell', 'declined', 'not reached', 'our error')", name=op.f('ck_missing_form_reason')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_missing_form_course_id')),
    sa.PrimaryKeyConstraint('course_id', 'timepoint', name=op.f('pk_missing_form'))
    )
    op.create_table('second_entry',
    sa.Column('assessment_id', sa.Integer(), nullable=False),
    sa.Column('item', sa.String(), nullable=False),
    sa.Column('value', sa.Integer(), nullable=True),
    sa.Column('skip', sa.String(), nullable=True),
    sa.Column('entered_by', sa.String(), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(value IS NULL) <> (skip IS NULL)', name=op.f('ck_second_entry_value_or_skip')),
    sa.ForeignKeyConstraint(['assessment_id'], ['assessment.id'], name=op.f('fk_second_entry_assessment_id')),
    sa.PrimaryKeyConstraint('assessment_id', 'item', name=op.f('pk_second_entry'))
    )
