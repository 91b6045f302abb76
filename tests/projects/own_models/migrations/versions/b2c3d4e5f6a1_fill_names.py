"""fill names of authors

Revision ID: b2c3d4e5f6a1
Revises: a1b2c3d4e5f6
Create Date: 2026-01-02 10:00:00
"""
from alembic import op
import sqlalchemy as sa
from sqlalchemy.orm import Session

from books.models import Author

revision = "b2c3d4e5f6a1"
down_revision = "a1b2c3d4e5f6"
branch_labels = None
depends_on = None


def upgrade():
    session = Session(bind=op.get_bind())
    for author in session.query(Author).all():
        author.name = author.name.strip()
    session.commit()


def downgrade():
    pass
