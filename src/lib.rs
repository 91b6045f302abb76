//! Takes Alembic database migrations safely from plan to apply.

pub mod dialect;
pub mod effects;
pub mod finding;
pub mod judge;
pub mod risk;
pub mod rules;
pub mod sql;
pub mod tools;
