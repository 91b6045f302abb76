"""add isbn to books

Revision ID: c3d4e5f6a1b2
Revises: b2c3d4e5f6a1
Create Date: 2026-01-02 10:00:00
"""
from alembic import op
import sqlalchemy as sa

revision = "c3d4e5f6a1b2"
<<<<<<< HEAD
down_revision = "a1b2c3d4e5f6"
=======
down_revision = "b2c3d4e5f6a1"
>>>>>>> isbn
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("books", sa.Column("isbn", sa.String(13)))


def downgrade():
    op.drop_column("books", "isbn")
