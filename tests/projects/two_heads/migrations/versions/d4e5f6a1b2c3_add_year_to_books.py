"""add year to books

Revision ID: d4e5f6a1b2c3
Revises: b2c3d4e5f6a1
Create Date: 2026-01-02 10:00:00
"""
from alembic import op
import sqlalchemy as sa

revision = "d4e5f6a1b2c3"
down_revision = "b2c3d4e5f6a1"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("books", sa.Column("year", sa.Integer()))


def downgrade():
    op.drop_column("books", "year")
