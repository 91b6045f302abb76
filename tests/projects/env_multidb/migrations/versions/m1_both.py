"""both"""

import sqlalchemy as sa
from alembic import op

revision = "m1"
down_revision = None


def upgrade(engine_name):
    op.create_table("of_%s" % engine_name, sa.Column("id", sa.Integer, primary_key=True))


def downgrade(engine_name):
    op.drop_table("of_%s" % engine_name)
