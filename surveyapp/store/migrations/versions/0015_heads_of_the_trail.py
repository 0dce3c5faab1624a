"""Heads of the trail, kept outside day by day"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('trail_head',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('events', sa.Integer(), nullable=False),
    sa.Column('head', sa.String(), nullable=False),
    sa.Column('file', sa.String(), nullable=False),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('mailed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('trouble', sa.String(), nullable=False),
    sa.CheckConstraint('events >= 0', name=op.f('ck_trail_head_events')),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_trail_head'))
    )
