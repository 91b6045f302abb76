"""drop title of books

Revision ID: d4e5f6a1b2c3
Revises: b2c3d4e5f6a1
Create Date: 2026-01-02 10:00:00
"""
from alembic import op
import sqlalchemy as sa

revision = "d4e5f6a1b2c3"
down_revision = "b2c3d4e5f6a1"
branch_labels = ("contract",)
depends_on = "c3d4e5f6a1b2"


def upgrade():
    op.drop_column("books", "title")


def downgrade():
    op.add_column("books", sa.Column("title", sa.String(200)))
