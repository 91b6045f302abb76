"""seed user"""

import sqlalchemy as sa
from alembic import op

revision = "b2"
down_revision = "a1"
branch_labels = None
depends_on = None


def upgrade():
    user = sa.table("shop_user", sa.column("id", sa.Integer), sa.column("email", sa.String))
    op.bulk_insert(user, [{"id": 1, "email": "o'hara@example.org"}, {"id": 2, "email": "b@example.org"}])


def downgrade():
    op.get_bind().execute(sa.text("DELETE FROM shop_user WHERE id IN (:first, :second)"), {"first": 1, "second": 2})
