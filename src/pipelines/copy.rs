//! Passes that change no voxel: conversion, and reading for pictures alone.

use super::ways::blocks::Blocks;
use super::{Input, Run};
use crate::Result;
use crate::io::Sink;

/// Writes every voxel as it is.
///
/// # Errors
/// What reading and writing give, or [`crate::Error::Interrupted`].
pub fn copy(input: &Input<'_>, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
    Blocks::of(input, run).each(|| (), |(), part| sink.write(part.at, part.bytes())).map(|_| ())
}

/// Reads all voxels, for who looks on.
///
/// # Errors
/// As [`copy`].
pub fn gather(input: &Input<'_>, run: &Run<'_>) -> Result<()> {
    Blocks::of(input, run).each(|| (), |(), _| Ok(())).map(|_| ())
}
