"""create orders and events

Revision ID: a1b2c3d4e5f6
Revises:
Create Date: 2026-01-01 10:00:00
"""
from alembic import op
import sqlalchemy as sa

revision = "a1b2c3d4e5f6"
down_revision = None
branch_labels = None
depends_on = None


def upgrade(engine_name):
    globals()["upgrade_%s" % engine_name]()


def downgrade(engine_name):
    globals()["downgrade_%s" % engine_name]()


def upgrade_shop():
    op.create_table("orders", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade_shop():
    op.drop_table("orders")


def upgrade_log():
    op.create_table("events", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade_log():
    op.drop_table("events")
