//! The commands: arguments, and what is done around a training or a judgement.

mod augmentation;
pub mod classify;
pub mod evaluate;
pub mod export;
mod folder;
pub mod import;
mod judge;
mod overlap;
pub mod predict;
pub mod quantise;
pub mod segment;
