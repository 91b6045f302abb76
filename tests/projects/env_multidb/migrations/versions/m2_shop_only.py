"""shop only"""

import sqlalchemy as sa
from alembic import op

revision = "m2"
down_revision = "m1"


def upgrade(engine_name):
    if engine_name == "shop":
        op.add_column("of_shop", sa.Column("note", sa.Text))


def downgrade(engine_name):
    if engine_name == "shop":
        op.drop_column("of_shop", "note")
