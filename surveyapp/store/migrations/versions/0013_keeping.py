"""What is kept and for how long: erasures, periods of retention, counts of safety"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('erasure',
    sa.Column('line', sa.String(), nullable=False),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('erased_by', sa.String(), nullable=False),
    sa.Column('erased_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cleaned_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("kind IN ('contacts', 'everything')", name=op.f('ck_erasure_kind')),
    sa.PrimaryKeyConstraint('line', name=op.f('pk_erasure'))
    )
    op.create_index('ix_erasure_person', 'erasure', ['person'])
    op.create_table('retention',
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('set_by', sa.String(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('days >= 1', name=op.f('ck_retention_days')),
    sa.PrimaryKeyConstraint('kind', name=op.f('pk_retention'))
    )
    op.create_table('safety_count',
    sa.Column('study_id', sa.Integer(), nullable=False),
    sa.Column('what', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.CheckConstraint('number >= 1', name=op.f('ck_safety_count_number')),
    sa.ForeignKeyConstraint(['study_id'], ['study.id'], name=op.f('fk_safety_count_study_id')),
    sa.PrimaryKeyConstraint('study_id', 'what', name=op.f('pk_safety_count'))
    )
