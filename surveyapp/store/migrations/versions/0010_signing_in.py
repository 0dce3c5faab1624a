"""Sessions of staff, second factors, wrong tries, places, and mails to colleagues"""

import sqlalchemy as sa
from alembic import op

from surveyapp.store.columns import UtcDateTime

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def _of_staff(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f(f'fk_{table}_staff_id'))


def upgrade() -> None:
    op.create_table('staff_session',
    sa.Column('id_sha256', sa.String(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('made_at', UtcDateTime(), nullable=False),
    sa.Column('seen_at', UtcDateTime(), nullable=False),
    sa.Column('network', sa.String(), nullable=False),
    sa.Column('agent', sa.String(), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    _of_staff('staff_session'),
    sa.PrimaryKeyConstraint('id_sha256', name=op.f('pk_staff_session'))
    )
    op.create_index('ix_staff_session_staff_id', 'staff_session', ['staff_id'])
    op.create_table('second_factor',
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('sealed', sa.String(), nullable=False),
    sa.Column('key_version', sa.String(), nullable=False),
    sa.Column('last_step', sa.BigInteger(), nullable=False),
    sa.Column('on_since', UtcDateTime(), nullable=False),
    _of_staff('second_factor'),
    sa.PrimaryKeyConstraint('staff_id', name=op.f('pk_second_factor'))
    )
    op.create_table('recovery_code',
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('code_hash', sa.String(), nullable=False),
    sa.Column('used_at', UtcDateTime(), nullable=True),
    _of_staff('recovery_code'),
    sa.PrimaryKeyConstraint('staff_id', 'code_hash', name=op.f('pk_recovery_code'))
    )
    op.create_table('sign_in_try',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('wrong', sa.Integer(), nullable=False),
    sa.Column('tried_at', UtcDateTime(), nullable=False),
    sa.CheckConstraint('wrong >= 0', name=op.f('ck_sign_in_try_wrong')),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_sign_in_try'))
    )
    op.create_index('ix_sign_in_try_tried_at', 'sign_in_try', ['tried_at'])
    op.create_table('known_place',
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('place_hash', sa.String(), nullable=False),
    sa.Column('first_at', UtcDateTime(), nullable=False),
    _of_staff('known_place'),
    sa.PrimaryKeyConstraint('staff_id', 'place_hash', name=op.f('pk_known_place'))
    )
    op.create_table('staff_mail',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('place', sa.String(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('message_id', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('next_at', UtcDateTime(), nullable=True),
    sa.CheckConstraint("kind IN ('invitation', 'new place', 'second factor removed')", name=op.f('ck_staff_mail_kind')),
    sa.CheckConstraint("status IN ('waiting', 'sent', 'refused', 'not needed')", name=op.f('ck_staff_mail_status')),
    sa.CheckConstraint("(next_at IS NULL) = (status <> 'waiting')", name=op.f('ck_staff_mail_next_at')),
    _of_staff('staff_mail'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_mail'))
    )
    op.create_index('ix_staff_mail_next_at', 'staff_mail', ['next_at'])
    op.create_index('ix_staff_mail_staff_id', 'staff_mail', ['staff_id'])
