import sqlalchemy as sa
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = sa.Column(sa.Integer, primary_key=True)
    email = sa.Column(sa.String(255), nullable=False)
    nickname = sa.Column(sa.String(40))


class Order(Base):
    __tablename__ = "orders"
    id = sa.Column(sa.Integer, primary_key=True)
    user_id = sa.Column(sa.Integer, sa.ForeignKey("users.id", name="fk_orders_user"), nullable=False)
    status = sa.Column(sa.String(20), nullable=False)
    __table_args__ = (sa.Index("ix_orders_status", "status"),)
