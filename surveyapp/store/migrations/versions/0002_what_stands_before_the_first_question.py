"""PINs, data notices, acknowledgements and wished reminders; doses of several dosing days"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

# SQLite makes the table anew, and reflection does not bring its checks along.
def dose_checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint("(status = 'given' AND mg IS NOT NULL AND mg > 0) OR (status <> 'given' AND mg IS NULL)", name=op.f('ck_dose_mg')),
        sa.CheckConstraint("kind IN ('first', 'booster')", name=op.f('ck_dose_kind')),
        sa.CheckConstraint("status IN ('given', 'declined', 'not eligible')", name=op.f('ck_dose_status')),
        sa.CheckConstraint('minutes IS NULL OR minutes >= 0', name=op.f('ck_dose_minutes')),
    ]


def upgrade() -> None:
    op.create_table('pin',
    sa.Column('participant_id', sa.Integer(), nullable=False),
    sa.Column('sealed', sa.String(), nullable=False),
    sa.Column('key_version', sa.String(), nullable=False),
    sa.Column('asked', sa.Boolean(), nullable=False),
    sa.Column('wrong', sa.Integer(), nullable=False),
    sa.Column('tried_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('wrong >= 0', name=op.f('ck_pin_wrong')),
    sa.ForeignKeyConstraint(['participant_id'], ['participant.id'], name=op.f('fk_pin_participant_id')),
    sa.PrimaryKeyConstraint('participant_id', name=op.f('pk_pin'))
    )
    op.create_table('data_notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('study_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('texts', sa.String(), nullable=False),
    sa.Column('published_by', sa.String(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('version >= 1', name=op.f('ck_data_notice_version')),
    sa.ForeignKeyConstraint(['study_id'], ['study.id'], name=op.f('fk_data_notice_study_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_data_notice')),
    sa.UniqueConstraint('study_id', 'version', name=op.f('uq_data_notice_study_id_version'))
    )
    op.create_table('acknowledgement',
    sa.Column('participant_id', sa.Integer(), nullable=False),
    sa.Column('study_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('version >= 0', name=op.f('ck_acknowledgement_version')),
    sa.ForeignKeyConstraint(['participant_id'], ['participant.id'], name=op.f('fk_acknowledgement_participant_id')),
    sa.ForeignKeyConstraint(['study_id'], ['study.id'], name=op.f('fk_acknowledgement_study_id')),
    sa.PrimaryKeyConstraint('participant_id', 'study_id', 'version', name=op.f('pk_acknowledgement'))
    )
    op.create_table('wish',
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('timepoint', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('wished_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('number >= 1', name=op.f('ck_wish_number')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_wish_course_id')),
    sa.PrimaryKeyConstraint('course_id', 'timepoint', 'number', name=op.f('pk_wish'))
    )
    with op.batch_alter_table('dose', table_args=dose_checks()) as batch:
        batch.add_column(sa.Column('anchor', sa.String(), nullable=False, server_default='dosing'))
        batch.drop_constraint('uq_dose_course_id_kind', type_='unique')
        batch.create_unique_constraint('uq_dose_course_id_anchor_kind', ['course_id', 'anchor', 'kind'])
    with op.batch_alter_table('dose', table_args=dose_checks()) as batch:
        batch.alter_column('anchor', server_default=None)

