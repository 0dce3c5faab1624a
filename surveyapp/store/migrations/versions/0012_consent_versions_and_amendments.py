"""Consent forms with versions, withdrawals, kept keys of instruments, and amendments"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (
        ('consent', 'version'),
        ('consent', 'taken_by'),
        ('consent', 'own_scopes'),
        ('assessment', 'key_sha256'),
    ):
        op.add_column(table, sa.Column(column, sa.String(), server_default=sa.text("''"), nullable=False))
    op.add_column('consent', sa.Column('keep_for_research', sa.Boolean(), nullable=True))
    op.add_column('consent', sa.Column('contact_after', sa.Boolean(), nullable=True))
    op.add_column('course', sa.Column('keys_sha256', sa.String(), nullable=True))
    op.create_table('consent_form',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('study_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.String(), nullable=False),
    sa.Column('dated', sa.Date(), nullable=False),
    sa.Column('reference', sa.String(), nullable=False),
    sa.Column('keeps_data', sa.String(), nullable=False),
    sa.Column('own_scopes', sa.String(), nullable=False),
    sa.Column('anew_from', sa.Date(), nullable=True),
    sa.Column('published_by', sa.String(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("keeps_data IN ('yes', 'no', 'ask')", name=op.f('ck_consent_form_keeps_data')),
    sa.ForeignKeyConstraint(['study_id'], ['study.id'], name=op.f('fk_consent_form_study_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent_form')),
    sa.UniqueConstraint('study_id', 'version', name=op.f('uq_consent_form_study_id_version'))
    )
    op.create_table('consent_withdrawal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('consent_id', sa.Integer(), nullable=False),
    sa.Column('what', sa.String(), nullable=False),
    sa.Column('withdrawn_on', sa.Date(), nullable=False),
    sa.Column('told_by', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('recorded_by', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("what IN ('messages', 'participation')", name=op.f('ck_consent_withdrawal_what')),
    sa.ForeignKeyConstraint(['consent_id'], ['consent.id'], name=op.f('fk_consent_withdrawal_consent_id')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_consent_withdrawal_course_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent_withdrawal'))
    )
    op.create_index('ix_consent_withdrawal_course_id', 'consent_withdrawal', ['course_id'])
    op.create_table('key_text',
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('instrument', sa.String(), nullable=False),
    sa.Column('version', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('wordings', sa.String(), nullable=False),
    sa.Column('kept_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_key_text'))
    )
    op.create_index('ix_key_text_instrument', 'key_text', ['instrument'])
    op.create_table('key_set',
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('kept_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_key_set'))
    )
    op.create_table('study_freeze',
    sa.Column('study_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('version', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('frozen_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('protocol', 'instrument')", name=op.f('ck_study_freeze_kind')),
    sa.ForeignKeyConstraint(['study_id'], ['study.id'], name=op.f('fk_study_freeze_study_id')),
    sa.PrimaryKeyConstraint('study_id', 'kind', 'name', name=op.f('pk_study_freeze'))
    )
    op.create_table('amendment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('study_id', sa.Integer(), nullable=False),
    sa.Column('retreat_id', sa.Integer(), nullable=True),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('label', sa.String(), nullable=False),
    sa.Column('approved_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('changes', sa.String(), nullable=False),
    sa.Column('taken_by', sa.String(), nullable=False),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('number >= 1', name=op.f('ck_amendment_number')),
    sa.ForeignKeyConstraint(['retreat_id'], ['retreat.id'], name=op.f('fk_amendment_retreat_id')),
    sa.ForeignKeyConstraint(['study_id'], ['study.id'], name=op.f('fk_amendment_study_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_amendment')),
    sa.UniqueConstraint('study_id', 'number', name=op.f('uq_amendment_study_id_number'))
    )
    op.create_table('course_amendment',
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('amendment_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('label', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['amendment_id'], ['amendment.id'], name=op.f('fk_course_amendment_amendment_id')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_course_amendment_course_id')),
    sa.PrimaryKeyConstraint('course_id', 'amendment_id', name=op.f('pk_course_amendment'))
    )
