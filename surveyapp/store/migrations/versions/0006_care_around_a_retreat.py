"""Blood pressure, more words on events, alerts, who typed in a sheet, corrections"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('responder',
    sa.Column('study_id', sa.Integer(), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('within_minutes', sa.Integer(), nullable=False),
    sa.Column('set_by', sa.String(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('place IN (1, 2)', name=op.f('ck_responder_place')),
    sa.ForeignKeyConstraint(['study_id'], ['study.id'], name=op.f('fk_responder_study_id')),
    sa.PrimaryKeyConstraint('study_id', 'place', name=op.f('pk_responder'))
    )
    op.create_table('alert',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('timepoint', sa.String(), nullable=False),
    sa.Column('instrument', sa.String(), nullable=False),
    sa.Column('about', sa.String(), nullable=False),
    sa.Column('numbers', sa.String(), nullable=False),
    sa.Column('drill', sa.Boolean(), nullable=False),
    sa.Column('raised_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('acknowledged_by', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by', sa.String(), nullable=False),
    sa.Column('edition', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_alert_course_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert')),
    sa.UniqueConstraint('course_id', 'rule', 'timepoint', 'instrument', 'about', name=op.f('uq_alert_course_id_rule_timepoint_instrument_about'))
    )
    op.create_index('ix_alert_raised_at', 'alert', ['raised_at'])
    op.create_table('blood_pressure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('anchor', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('systolic', sa.Integer(), nullable=False),
    sa.Column('diastolic', sa.Integer(), nullable=False),
    sa.Column('pulse', sa.Integer(), nullable=True),
    sa.Column('recorded_by', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_by', sa.String(), nullable=False),
    sa.Column('withdrawn_why', sa.String(), nullable=False),
    sa.CheckConstraint('diastolic BETWEEN 20 AND 200 AND diastolic < systolic', name=op.f('ck_blood_pressure_diastolic')),
    sa.CheckConstraint('pulse IS NULL OR pulse BETWEEN 20 AND 250', name=op.f('ck_blood_pressure_pulse')),
    sa.CheckConstraint('systolic BETWEEN 40 AND 300', name=op.f('ck_blood_pressure_systolic')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_blood_pressure_course_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_blood_pressure'))
    )
    op.create_index('ix_blood_pressure_course_id', 'blood_pressure', ['course_id'])
    op.create_table('alert_message',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('alert_id', sa.Integer(), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('message_id', sa.String(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(next_at IS NULL) = (status <> 'waiting')", name=op.f('ck_alert_message_next_at')),
    sa.CheckConstraint("status IN ('waiting', 'sent', 'refused', 'not needed')", name=op.f('ck_alert_message_status')),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_alert_message_alert_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert_message')),
    sa.UniqueConstraint('alert_id', 'place', name=op.f('uq_alert_message_alert_id_place'))
    )
    op.create_index('ix_alert_message_next_at', 'alert_message', ['next_at'])
    op.create_table('correction',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('assessment_id', sa.Integer(), nullable=False),
    sa.Column('item', sa.String(), nullable=False),
    sa.Column('old_value', sa.Integer(), nullable=True),
    sa.Column('old_skip', sa.String(), nullable=True),
    sa.Column('new_value', sa.Integer(), nullable=True),
    sa.Column('new_skip', sa.String(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('corrected_by', sa.String(), nullable=False),
    sa.Column('corrected_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(new_value IS NULL) <> (new_skip IS NULL)', name=op.f('ck_correction_new_value_or_skip')),
    sa.CheckConstraint('(old_value IS NULL) <> (old_skip IS NULL)', name=op.f('ck_correction_old_value_or_skip')),
    sa.ForeignKeyConstraint(['assessment_id'], ['assessment.id'], name=op.f('fk_correction_assessment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_correction'))
    )
    op.create_index('ix_correction_assessment_id', 'correction', ['assessment_id'])
    op.create_table('former_score',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('assessment_id', sa.Integer(), nullable=False),
    sa.Column('scale', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('value', sa.Float(), nullable=True),
    sa.Column('answered', sa.Integer(), nullable=False),
    sa.Column('of_items', sa.Integer(), nullable=False),
    sa.Column('estimated', sa.Boolean(), nullable=False),
    sa.Column('band', sa.String(), nullable=True),
    sa.Column('key_version', sa.String(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['assessment_id'], ['assessment.id'], name=op.f('fk_former_score_assessment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_former_score'))
    )
    op.create_index('ix_former_score_assessment_id', 'former_score', ['assessment_id'])
    op.add_column('adverse_event', sa.Column('action', sa.String(), server_default=sa.text("''"), nullable=False))
    op.add_column('adverse_event', sa.Column('outcome', sa.String(), server_default=sa.text("''"), nullable=False))
    op.add_column('adverse_event', sa.Column('source', sa.String(), server_default=sa.text("''"), nullable=False))
    op.add_column('adverse_event', sa.Column('note', sa.String(), server_default=sa.text("''"), nullable=False))
    op.add_column('adverse_event', sa.Column('recorded_by', sa.String(), server_default=sa.text("''"), nullable=False))
    op.add_column('adverse_event', sa.Column('edition', sa.Integer(), server_default='0', nullable=False))
    op.add_column('assessment', sa.Column('entered_by', sa.String(), server_default=sa.text("''"), nullable=False))
    op.create_index('ix_window_closes_at', 'window', ['closes_at'])
