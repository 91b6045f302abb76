import sqlalchemy as sa

metadata = sa.MetaData()

shop_user = sa.Table(
    "shop_user",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.String(100), nullable=False),
    sa.Column("note", sa.Text),
)

shop_order = sa.Table(
    "shop_order",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("total", sa.Integer, nullable=False),
)
