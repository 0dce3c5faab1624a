"""Phones and refusals, a site's own texts, the worker's hold, protocols that courses began with"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('message_text',
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('saved_by', sa.String(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("channel IN ('email', 'sms')", name=op.f('ck_message_text_channel')),
    sa.CheckConstraint("kind IN ('invitation', 'reminder')", name=op.f('ck_message_text_kind')),
    sa.PrimaryKeyConstraint('channel', 'kind', 'language', name=op.f('pk_message_text'))
    )
    op.create_table('instance',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('mark', sa.String(), nullable=False),
    sa.Column('held', sa.String(), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('id = 1', name=op.f('ck_instance_id')),
    sa.CheckConstraint("held IN ('', 'restored', 'clock', 'by hand')", name=op.f('ck_instance_held')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_instance'))
    )
    op.create_table('protocol_text',
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('protocol', sa.String(), nullable=False),
    sa.Column('version', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('kept_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_protocol_text'))
    )
    op.create_index('ix_protocol_text_protocol', 'protocol_text', ['protocol'])
    # Nobody refers to contacts, so SQLite may make that table anew with its wider check.
    with op.batch_alter_table('contact') as batch:
        batch.add_column(sa.Column('refused_at', sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column('refused_why', sa.String(), nullable=True))
        if op.get_bind().dialect.name != 'sqlite':
            batch.drop_constraint(op.f('ck_contact_kind'), type_='check')
        batch.create_check_constraint(op.f('ck_contact_kind'), "kind IN ('email', 'phone')")
    op.create_index('ix_prompt_message_id', 'prompt', ['message_id'])
    # Plain columns that may be empty: others refer to these tables.
    op.add_column('participant', sa.Column('channels', sa.String(), nullable=True))
    op.add_column('course', sa.Column('protocol_sha256', sa.String(), nullable=True))
    op.add_column('prompt', sa.Column('first_tried_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('prompt', sa.Column('planned_on', sa.Date(), nullable=True))
    op.add_column('attempt', sa.Column('sent_to', sa.String(), nullable=True))
