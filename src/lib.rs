//! Takes Alembic database migrations safely from plan to apply.

pub mod dialect;
pub mod effects;
pub mod sql;
