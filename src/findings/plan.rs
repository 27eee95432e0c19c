//! What a chain will do.

use super::Rows;
use super::words::number;
use crate::pipelines::{ChainPlan, PassKind, PlannedPass};

/// What a chain will do, and on what.
#[derive(Debug, Clone, Copy)]
pub struct PlanFinding<'a> {
    /// The passes.
    pub plan: &'a ChainPlan,
    /// On what the last pass runs, and why.
    pub device: &'a str,
}

impl PlanFinding<'_> {
    /// All of it.
    pub fn rows(&self) -> Rows {
        let ChainPlan { passes, halo, tile, tiles, memory_bytes, .. } = self.plan;
        let mut rows = Rows::new();
        rows.key("passes", passes.iter().map(pass_rows).collect::<Vec<Rows>>());
        rows.key("halo_voxels", *halo);
        rows.key("tile_voxels", *tile);
        rows.key("tiles", *tiles);
        rows.key("memory_bytes", *memory_bytes);
        rows.key("device", self.device);
        rows
    }

    /// A line for each pass, then what they share.
    pub fn text(&self) -> String {
        let ChainPlan { passes, halo, tile, tiles, memory_bytes, .. } = self.plan;
        let by = |n: &[u64; 3]| n.map(|n| n.to_string()).join(" x ");
        let mut text = String::new();
        for (i, pass) in passes.iter().enumerate() {
            let PlannedPass { computes, kind, read_bytes, written_bytes } = pass;
            let steps = if computes.is_empty() { "the voxels as they are".into() } else { computes.join(", ") };
            let (what, out) = match kind {
                PassKind::Write => ("write", format!(", writes {}", mib(*written_bytes))),
                PassKind::Count => ("count", String::new()),
                PassKind::Connect => ("connect for", String::new()),
            };
            text += &format!("pass {}: {what} {steps}; reads {}{out}\n", i + 1, mib(*read_bytes));
        }
        text += &format!("halo:   {} voxels on each side\n", by(halo));
        text += &format!("tiles:  {tiles} of {} voxels\n", by(tile));
        text += &format!("memory: at most {} for buffers\n", mib(*memory_bytes));
        text + &format!("device: {}\n", self.device)
    }
}

fn pass_rows(pass: &PlannedPass) -> Rows {
    let mut rows = Rows::new();
    rows.key("computes", pass.computes.as_slice());
    rows.key("writes", pass.kind == PassKind::Write);
    rows.key("read_bytes", pass.read_bytes);
    rows.key("written_bytes", pass.written_bytes);
    rows
}

fn mib(bytes: u64) -> String {
    // To a hundredth.
    format!("{} MiB", number((bytes as f64 / f64::from(1 << 20) * 100.0).round() / 100.0))
}
