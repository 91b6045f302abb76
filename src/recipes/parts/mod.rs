//! What recipes are made of.

pub mod body;
pub mod doubts;
pub mod loops;
pub mod naming;
pub mod online;
pub mod planning;
pub mod rebuilt;
pub mod standing;
pub mod sync;
pub mod undo;
pub mod wish;
pub mod written;
