//! Passes that change no voxel: conversion, and reading for pictures alone.

use super::workers::{self, Input};
use super::{Observer, Watch};
use crate::Result;
use crate::io::{Sink, Source};

/// Writes every voxel as it is.
///
/// # Errors
/// What reading and writing give, or [`crate::Error::Interrupted`].
pub fn copy(source: &dyn Source, sink: &dyn Sink, watch: &dyn Watch) -> Result<()> {
    workers::each(Input::of(source), 0, watch, || (), |(), part| sink.write(part.at, part.bytes)).map(|_| ())
}

/// Reads all voxels, for the observer.
///
/// # Errors
/// As [`copy`].
pub fn gather(source: &dyn Source, observer: Observer<'_>, watch: &dyn Watch) -> Result<()> {
    let input = Input { observer: Some(observer), ..Input::of(source) };
    workers::each(input, 0, watch, || (), |(), _| Ok(())).map(|_| ())
}
