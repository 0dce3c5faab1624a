"""Installed wordings with their permission, the set each course runs under, a study's languages"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('wording_text',
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('kept_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_wording_text'))
    )
    op.create_table('wording_set',
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('content', sa.String(), nullable=False),
    sa.Column('kept_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_wording_set'))
    )
    op.create_table('course_wording',
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('set_sha256', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_course_wording_course_id')),
    sa.ForeignKeyConstraint(['set_sha256'], ['wording_set.sha256'], name=op.f('fk_course_wording_set_sha256')),
    sa.PrimaryKeyConstraint('course_id', name=op.f('pk_course_wording'))
    )
    op.create_index('ix_course_wording_set_sha256', 'course_wording', ['set_sha256'])
    op.create_table('wording',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('instrument', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('installed_by', sa.String(), nullable=False),
    sa.Column('installed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_by', sa.String(), nullable=False),
    sa.Column('retired_why', sa.String(), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("retired_at IS NULL OR retired_why <> ''", name=op.f('ck_wording_retired')),
    sa.ForeignKeyConstraint(['sha256'], ['wording_text.sha256'], name=op.f('fk_wording_sha256')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_wording'))
    )
    op.create_index('ix_wording_instrument', 'wording', ['instrument'])
    op.create_table('permission',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('wording_id', sa.Integer(), nullable=False),
    sa.Column('basis', sa.String(), nullable=False),
    sa.Column('holder', sa.String(), nullable=False),
    sa.Column('reference', sa.String(), nullable=False),
    sa.Column('electronic', sa.Boolean(), nullable=False),
    sa.Column('languages', sa.String(), nullable=False),
    sa.Column('reproduction', sa.Boolean(), nullable=False),
    sa.Column('expires', sa.Date(), nullable=True),
    sa.Column('maximum', sa.Integer(), nullable=True),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('recorded_by', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("basis IN ('licence', 'written permission', 'published for free use')", name=op.f('ck_permission_basis')),
    sa.CheckConstraint('maximum IS NULL OR maximum > 0', name=op.f('ck_permission_maximum')),
    sa.ForeignKeyConstraint(['wording_id'], ['wording.id'], name=op.f('fk_permission_wording_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_permission'))
    )
    op.create_index('ix_permission_wording_id', 'permission', ['wording_id'])
    op.create_table('permission_override',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('wording_id', sa.Integer(), nullable=False),
    sa.Column('until', sa.Date(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('recorded_by', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['wording_id'], ['wording.id'], name=op.f('fk_permission_override_wording_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_permission_override'))
    )
    op.create_index('ix_permission_override_wording_id', 'permission_override', ['wording_id'])
    op.create_table('wording_use',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('wording_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['wording_id'], ['wording.id'], name=op.f('fk_wording_use_wording_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_wording_use'))
    )
    op.create_index('ix_wording_use_wording_id', 'wording_use', ['wording_id'])
    op.create_table('study_languages',
    sa.Column('study_id', sa.Integer(), nullable=False),
    sa.Column('languages', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['study_id'], ['study.id'], name=op.f('fk_study_languages_study_id')),
    sa.PrimaryKeyConstraint('study_id', name=op.f('pk_study_languages'))
    )
