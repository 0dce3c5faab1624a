"""How often what hangs on a course changed"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('course', sa.Column('touched', sa.Integer(), nullable=False, server_default='0'))
