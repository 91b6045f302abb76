"""add slug to books

Revision ID: c3d4e5f6a1b2
Revises: b2c3d4e5f6a1
Create Date: 2026-01-02 10:00:00
"""
from alembic import op
import sqlalchemy as sa

revision = "c3d4e5f6a1b2"
down_revision = "b2c3d4e5f6a1"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("books", sa.Column("slug", sa.String(200)))
    op.execute("UPDATE books SET slug = lower(title)")


def downgrade():
    op.drop_column("books", "slug")
