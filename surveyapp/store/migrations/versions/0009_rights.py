"""Staff accounts have roles and retreats; those from before keep everything"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    every = 'coordinator clinician analyst admin'
    op.add_column('staff', sa.Column('roles', sa.String(), server_default=every, nullable=False))
    op.add_column('staff', sa.Column('sees_scores', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('staff', sa.Column('all_retreats', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_table('membership',
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('retreat_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['retreat_id'], ['retreat.id'], name=op.f('fk_membership_retreat_id')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_membership_staff_id')),
    sa.PrimaryKeyConstraint('staff_id', 'retreat_id', name=op.f('pk_membership'))
    )
    op.create_index('ix_membership_retreat_id', 'membership', ['retreat_id'])
