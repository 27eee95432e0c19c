//! Two masks as one, or the opposite of one.

use std::sync::Arc;

use crate::Result;
use crate::io::Source;
use crate::ops::mask::{Rule, combine};
use crate::volume::Header;

/// Masks of one byte a voxel, combined by a rule.
pub struct Combined {
    first: Arc<dyn Source>,
    second: Option<Arc<dyn Source>>,
    rule: Rule,
}

impl Combined {
    /// Two masks of one grid as one.
    pub fn two(first: Arc<dyn Source>, second: Arc<dyn Source>, rule: Rule) -> Self {
        Self { first, second: Some(second), rule }
    }

    /// What a mask leaves out.
    pub fn opposite(mask: Arc<dyn Source>) -> Self {
        Self { first: mask, second: None, rule: Rule::NOT }
    }

    fn both(&self) -> impl Iterator<Item = &dyn Source> {
        [Some(self.first.as_ref()), self.second.as_deref()].into_iter().flatten()
    }
}

impl Source for Combined {
    fn header(&self) -> &Header {
        self.first.header()
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        self.first.read(at, into)?;
        let mut other = vec![0; into.len()];
        if let Some(second) = &self.second {
            second.read(at, &mut other)?;
        }
        combine(self.rule, into, &other);
        Ok(())
    }

    fn unit(&self) -> u64 {
        self.both().map(Source::unit).max().unwrap_or(1)
    }

    fn sequential(&self) -> bool {
        self.both().any(Source::sequential)
    }
}
