//! What recipes are made of.

pub mod archive;
pub mod batch;
pub mod body;
pub mod dependents;
pub mod doubts;
pub mod exact_fill;
pub mod fills;
pub mod fully;
pub mod guarded;
pub mod in_the_way;
pub mod loops;
pub mod naming;
pub mod online;
pub mod opposed;
pub mod orphans;
pub mod planning;
pub mod rebuilt;
pub mod standing;
pub mod sync;
pub mod undo;
pub mod values;
pub mod ways;
pub mod wish;
pub mod written;
pub mod zone;
