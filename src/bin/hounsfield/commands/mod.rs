//! One file for each command.

pub mod convert;
pub mod demo;
pub mod devices;
pub mod equalize;
pub mod histogram;
pub mod info;
pub mod man;
pub mod mask;
pub mod slice;
pub mod stats;
