"""The first tables"""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('event',
    sa.Column('uid', sa.String(), nullable=False),
    sa.Column('chain', sa.String(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('commitment', sa.String(), nullable=False),
    sa.Column('previous', sa.String(), nullable=False),
    sa.Column('hash', sa.String(), nullable=False),
    sa.CheckConstraint('seq >= 1', name=op.f('ck_event_seq')),
    sa.PrimaryKeyConstraint('uid', name=op.f('pk_event')),
    sa.UniqueConstraint('chain', 'seq', name=op.f('uq_event_chain_seq'))
    )
    op.create_table('heartbeat',
    sa.Column('worker', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('trouble', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('worker', name=op.f('pk_heartbeat'))
    )
    op.create_table('participant',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('time_zone', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_participant')),
    sa.UniqueConstraint('code', name=op.f('uq_participant_code'))
    )
    op.create_table('staff',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('password', sa.String(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('uniquifier', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff')),
    sa.UniqueConstraint('email', name=op.f('uq_staff_email')),
    sa.UniqueConstraint('uniquifier', name=op.f('uq_staff_uniquifier'))
    )
    op.create_table('study',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('protocol', sa.String(), nullable=False),
    sa.Column('protocol_version', sa.String(), nullable=False),
    sa.Column('mode', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('emergency', sa.String(), nullable=False),
    sa.Column('crisis_line', sa.String(), nullable=False),
    sa.Column('phone', sa.String(), nullable=False),
    sa.Column('hours', sa.String(), nullable=False),
    sa.Column('readers', sa.String(), nullable=False),
    sa.Column('read_when', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("mode IN ('practice', 'live')", name=op.f('ck_study_mode')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_study'))
    )
    with op.batch_alter_table('study', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_study_protocol'), ['protocol'], unique=False)

    op.create_table('contact',
    sa.Column('participant_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('sealed', sa.String(), nullable=False),
    sa.Column('key_version', sa.String(), nullable=False),
    sa.Column('lookup', sa.String(), nullable=False),
    sa.CheckConstraint("kind IN ('email')", name=op.f('ck_contact_kind')),
    sa.ForeignKeyConstraint(['participant_id'], ['participant.id'], name=op.f('fk_contact_participant_id')),
    sa.PrimaryKeyConstraint('participant_id', 'kind', name=op.f('pk_contact'))
    )
    with op.batch_alter_table('contact', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contact_lookup'), ['lookup'], unique=False)

    op.create_table('event_payload',
    sa.Column('event_uid', sa.String(), nullable=False),
    sa.Column('salt', sa.String(), nullable=False),
    sa.Column('payload', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['event_uid'], ['event.uid'], name=op.f('fk_event_payload_event_uid')),
    sa.PrimaryKeyConstraint('event_uid', name=op.f('pk_event_payload'))
    )
    op.create_table('invite',
    sa.Column('token_sha256', sa.String(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_invite_staff_id')),
    sa.PrimaryKeyConstraint('token_sha256', name=op.f('pk_invite'))
    )
    with op.batch_alter_table('invite', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_invite_staff_id'), ['staff_id'], unique=False)

    op.create_table('retreat',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('study_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('time_zone', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['study_id'], ['study.id'], name=op.f('fk_retreat_study_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_retreat')),
    sa.UniqueConstraint('name', name=op.f('uq_retreat_name'))
    )
    with op.batch_alter_table('retreat', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_retreat_study_id'), ['study_id'], unique=False)

    op.create_table('course',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('participant_id', sa.Integer(), nullable=False),
    sa.Column('retreat_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('chain', sa.String(), nullable=False),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('number >= 1', name=op.f('ck_course_number')),
    sa.ForeignKeyConstraint(['participant_id'], ['participant.id'], name=op.f('fk_course_participant_id')),
    sa.ForeignKeyConstraint(['retreat_id'], ['retreat.id'], name=op.f('fk_course_retreat_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_course')),
    sa.UniqueConstraint('chain', name=op.f('uq_course_chain')),
    sa.UniqueConstraint('participant_id', 'number', name=op.f('uq_course_participant_id_number')),
    sa.UniqueConstraint('participant_id', 'retreat_id', name=op.f('uq_course_participant_id_retreat_id'))
    )
    with op.batch_alter_table('course', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_course_retreat_id'), ['retreat_id'], unique=False)

    op.create_table('retreat_date',
    sa.Column('retreat_id', sa.Integer(), nullable=False),
    sa.Column('anchor', sa.String(), nullable=False),
    sa.Column('date', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['retreat_id'], ['retreat.id'], name=op.f('fk_retreat_date_retreat_id')),
    sa.PrimaryKeyConstraint('retreat_id', 'anchor', name=op.f('pk_retreat_date'))
    )
    op.create_table('adverse_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('term', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('grade', sa.Integer(), nullable=False),
    sa.Column('serious', sa.Boolean(), nullable=False),
    sa.Column('relatedness', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('ended_at IS NULL OR ended_at >= started_at', name=op.f('ck_adverse_event_ended_at')),
    sa.CheckConstraint('grade BETWEEN 1 AND 5', name=op.f('ck_adverse_event_grade')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_adverse_event_course_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_adverse_event')),
    sa.UniqueConstraint('course_id', 'term', 'started_at', name=op.f('uq_adverse_event_course_id_term_started_at'))
    )
    op.create_table('anchor',
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('anchor', sa.String(), nullable=False),
    sa.Column('date', sa.Date(), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.CheckConstraint('revision >= 0', name=op.f('ck_anchor_revision')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_anchor_course_id')),
    sa.PrimaryKeyConstraint('course_id', 'anchor', name=op.f('pk_anchor'))
    )
    op.create_table('assessment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('timepoint', sa.String(), nullable=False),
    sa.Column('instrument', sa.String(), nullable=False),
    sa.Column('instrument_version', sa.String(), nullable=False),
    sa.Column('wording_sha256', sa.String(), nullable=False),
    sa.Column('placeholder', sa.Boolean(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('mode', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("mode IN ('phone', 'paper', 'telephone', 'import')", name=op.f('ck_assessment_mode')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_assessment_course_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assessment')),
    sa.UniqueConstraint('course_id', 'timepoint', 'instrument', name=op.f('uq_assessment_course_id_timepoint_instrument'))
    )
    op.create_table('clearance',
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('timepoint', sa.String(), nullable=False),
    sa.Column('given_by', sa.String(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_clearance_course_id')),
    sa.PrimaryKeyConstraint('course_id', 'timepoint', name=op.f('pk_clearance'))
    )
    op.create_table('consent',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('given_on', sa.Date(), nullable=False),
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('recorded_by', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("scope IN ('answers and messages', 'answers only')", name=op.f('ck_consent_scope')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_consent_course_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent'))
    )
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_consent_course_id'), ['course_id'], unique=False)

    op.create_table('dose',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('mg', sa.Float(), nullable=True),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('minutes', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(status = 'given' AND mg IS NOT NULL AND mg > 0) OR (status <> 'given' AND mg IS NULL)", name=op.f('ck_dose_mg')),
    sa.CheckConstraint("kind IN ('first', 'booster')", name=op.f('ck_dose_kind')),
    sa.CheckConstraint("status IN ('given', 'declined', 'not eligible')", name=op.f('ck_dose_status')),
    sa.CheckConstraint('minutes IS NULL OR minutes >= 0', name=op.f('ck_dose_minutes')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_dose_course_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dose')),
    sa.UniqueConstraint('course_id', 'kind', name=op.f('uq_dose_course_id_kind'))
    )
    op.create_table('link',
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('timepoint', sa.String(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('token_sha256', sa.String(), nullable=False),
    sa.CheckConstraint('generation >= 0', name=op.f('ck_link_generation')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_link_course_id')),
    sa.PrimaryKeyConstraint('course_id', 'timepoint', name=op.f('pk_link')),
    sa.UniqueConstraint('token_sha256', name=op.f('uq_link_token_sha256'))
    )
    op.create_table('prompt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('timepoint', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('message_id', sa.String(), nullable=False),
    sa.Column('claimed_by', sa.String(), nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(next_at IS NULL) = (status IN ('sent', 'refused', 'skipped'))", name=op.f('ck_prompt_next_at')),
    sa.CheckConstraint("status IN ('claimed', 'waiting', 'held', 'sent', 'refused', 'skipped')", name=op.f('ck_prompt_status')),
    sa.CheckConstraint('tries >= 0', name=op.f('ck_prompt_tries')),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_prompt_course_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_prompt')),
    sa.UniqueConstraint('course_id', 'timepoint', 'number', 'revision', name=op.f('uq_prompt_course_id_timepoint_number_revision'))
    )
    op.create_table('visit',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('timepoint', sa.String(), nullable=False),
    sa.Column('read_sha256', sa.String(), nullable=False),
    sa.Column('write_sha256', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_visit_course_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit'))
    )
    with op.batch_alter_table('visit', schema=None) as batch_op:
        batch_op.create_index('ix_visit_course_id_timepoint', ['course_id', 'timepoint'], unique=False)

    op.create_table('window',
    sa.Column('course_id', sa.Integer(), nullable=False),
    sa.Column('timepoint', sa.String(), nullable=False),
    sa.Column('opens_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closes_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_prompt', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['course_id'], ['course.id'], name=op.f('fk_window_course_id')),
    sa.PrimaryKeyConstraint('course_id', 'timepoint', name=op.f('pk_window'))
    )
    with op.batch_alter_table('window', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_window_next_prompt'), ['next_prompt'], unique=False)

    op.create_table('answer',
    sa.Column('assessment_id', sa.Integer(), nullable=False),
    sa.Column('item', sa.String(), nullable=False),
    sa.Column('value', sa.Integer(), nullable=True),
    sa.Column('skip', sa.String(), nullable=True),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("skip IN ('declined', 'left open', 'missing')", name=op.f('ck_answer_skip')),
    sa.CheckConstraint('(value IS NULL) <> (skip IS NULL)', name=op.f('ck_answer_value_or_skip')),
    sa.ForeignKeyConstraint(['assessment_id'], ['assessment.id'], name=op.f('fk_answer_assessment_id')),
    sa.PrimaryKeyConstraint('assessment_id', 'item', name=op.f('pk_answer'))
    )
    op.create_table('attempt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('prompt_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('message_id', sa.String(), nullable=False),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('detail', sa.String(), nullable=False),
    sa.CheckConstraint("outcome IN ('accepted', 'transient', 'permanent', 'unknown')", name=op.f('ck_attempt_outcome')),
    sa.ForeignKeyConstraint(['prompt_id'], ['prompt.id'], name=op.f('fk_attempt_prompt_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attempt'))
    )
    with op.batch_alter_table('attempt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_attempt_prompt_id'), ['prompt_id'], unique=False)

    op.create_table('score',
    sa.Column('assessment_id', sa.Integer(), nullable=False),
    sa.Column('scale', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('value', sa.Float(), nullable=True),
    sa.Column('answered', sa.Integer(), nullable=False),
    sa.Column('of_items', sa.Integer(), nullable=False),
    sa.Column('estimated', sa.Boolean(), nullable=False),
    sa.Column('band', sa.String(), nullable=True),
    sa.Column('key_version', sa.String(), nullable=False),
    sa.CheckConstraint("kind IN ('scale', 'criterion')", name=op.f('ck_score_kind')),
    sa.CheckConstraint('answered >= 0 AND answered <= of_items', name=op.f('ck_score_answered')),
    sa.ForeignKeyConstraint(['assessment_id'], ['assessment.id'], name=op.f('fk_score_assessment_id')),
    sa.PrimaryKeyConstraint('assessment_id', 'scale', name=op.f('pk_score'))
    )
    make_trail_append_only()


SQLITE_TRIGGERS = """
CREATE TRIGGER event_no_update BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
CREATE TRIGGER event_no_replace BEFORE INSERT ON event
WHEN EXISTS (SELECT 1 FROM event WHERE uid = NEW.uid OR (chain = NEW.chain AND seq = NEW.seq))
BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
CREATE TRIGGER event_payload_no_update BEFORE UPDATE ON event_payload
BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
"""

POSTGRESQL_TRIGGERS = """
CREATE FUNCTION trail_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the trail is append-only'; END $$;
CREATE TRIGGER event_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON event
FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse();
CREATE TRIGGER event_payload_no_update BEFORE UPDATE ON event_payload
FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse();
"""


def make_trail_append_only() -> None:
    """Payloads may be deleted (erasure does), headers may not; the hash chain finds the rest."""
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE_TRIGGERS.split("END;"):
            if statement.strip():
                op.execute(f"{statement}END;")
    else:
        op.execute(POSTGRESQL_TRIGGERS)
