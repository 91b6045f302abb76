"""add note"""

import sqlalchemy as sa
from alembic import op

revision = "c3"
down_revision = "b2"
branch_labels = None
depends_on = None


def upgrade():
    rows = op.get_bind().execute(sa.text("SELECT count(*) FROM shop_user")).scalar()
    op.add_column("shop_user", sa.Column("note", sa.Text))
    op.execute("UPDATE shop_user SET note = 'one of %d'" % rows)


def downgrade():
    op.drop_column("shop_user", "note")
