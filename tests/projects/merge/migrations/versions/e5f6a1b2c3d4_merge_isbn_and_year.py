"""merge isbn and year

Revision ID: e5f6a1b2c3d4
Revises: c3d4e5f6a1b2, d4e5f6a1b2c3
Create Date: 2026-01-02 10:00:00
"""
from alembic import op
import sqlalchemy as sa

revision = "e5f6a1b2c3d4"
down_revision = ("c3d4e5f6a1b2", "d4e5f6a1b2c3")
branch_labels = None
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
