//! The whole job of equalisation: count, decide, write.

use std::sync::Arc;

use super::cuts::Groups;
use super::narrow::{Census, Resolved};
use super::select::{Mask, Region, Selected, narrowest, one_rescale, select};
use super::{Device, Group, Observer, Watch, copy, count, count_floats, map, map_floats};
use crate::analysis::equalization;
use crate::io::{Sink, Source};
use crate::ops::histogram::{Edges, Outside};
use crate::volume::{Counts, Dtype, Header, Table};
use crate::{Error, Result};

/// What to equalise, and to how many levels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Equalize {
    /// u8 or u16; by default 8 bits for 8-bit files and 16 for all others.
    pub to: Option<Dtype>,
    /// Real values to spread over all levels; what lies outside is clamped to the ends.
    pub range: Option<(f64, f64)>,
    /// Which values count. Padding never takes part and becomes 0.
    pub region: Region,
}

/// An equalisation decided on, ready to be written.
pub struct Equalization {
    source: Box<dyn Source>,
    header: Header,
    groups: Groups,
    selected: Selected,
    counted: u64,
    decision: Decided,
}

enum Decided {
    /// One table for each rescale.
    Tables(Vec<Table>),
    /// One for all bins.
    Bins(Arc<Edges>, Table),
    /// Fewer than two values took part: the image stays as it is.
    Unchanged,
}

/// Bins for true floats; the most that a table takes. Of even width, so that what a level means can be told.
const FLOAT_BINS: usize = 65_536;

impl Equalization {
    /// Counts the voxels and decides.
    ///
    /// # Errors
    /// [`Error::Usage`] if no voxel counts; what reading gives; [`Error::Interrupted`].
    pub fn new(
        input: Resolved,
        mask: Option<&Mask>,
        job: &Equalize,
        device: &Device,
        observer: Option<Observer<'_>>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        match input.as_float32() {
            Resolved::Exact(source) => Self::exact(source, mask, job, device, observer, watch),
            Resolved::Floats(source, census) => Self::floats(source, census, mask, job, device, observer, watch),
        }
    }

    fn exact(
        source: Box<dyn Source>,
        mask: Option<&Mask>,
        job: &Equalize,
        device: &Device,
        observer: Option<Observer<'_>>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let input = source.header();
        let counts = count(source.as_ref(), mask, device, observer, watch)?;
        let selected = select(counts, input.padding, &Region { with_padding: false, ..job.region });
        // Padding is out of the counts already; the tables must know it too.
        let groups: Vec<equalization::Group<'_>> = selected
            .groups
            .iter()
            .map(|g| equalization::Group { rescale: g.rescale, counts: &g.counts, padding: input.padding })
            .collect();
        let to = job.to.unwrap_or(if input.dtype.bytes() == 1 { Dtype::U8 } else { Dtype::U16 });
        let decision = equalization::decide(&groups, to, job.range);
        if decision.counted == 0 {
            return Err(Error::no_voxel());
        }
        let counted = decision.counted;
        let (header, decision) = if decision.constant {
            (input.clone(), Decided::Unchanged)
        } else {
            (input.derived(to), Decided::Tables(decision.tables))
        };
        let groups = Groups::of(input);
        Ok(Self { header, groups, selected, counted, decision, source })
    }

    fn floats(
        source: Box<dyn Source>,
        census: Census,
        mask: Option<&Mask>,
        job: &Equalize,
        device: &Device,
        observer: Option<Observer<'_>>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let input = source.header();
        let rescale = one_rescale(input)?;
        let (low, high) = narrowest((census.min, census.max), rescale, [job.range, job.region.range].into_iter().flatten())?;
        let to = job.to.unwrap_or(Dtype::U16);
        if let Some(see) = observer {
            super::gather(source.as_ref(), see, watch)?;
        }
        let Ok(edges) = Edges::at_most(low as f32, high as f32, FLOAT_BINS).map(Arc::new) else {
            let groups = Groups::of(input);
            let selected = Selected { groups: Vec::new(), padding: 0, outside: 0 };
            return Ok(Self { header: input.clone(), groups, selected, counted: 1, decision: Decided::Unchanged, source });
        };
        let counts = count_floats(source.as_ref(), mask, &edges, device, watch)?;
        if counts.total() == 0 {
            return Err(Error::no_voxel());
        }
        let table = equalization::over_bins(&counts, to, rescale.slope > 0.0);
        let (outside, counted) = (counts.below + counts.above, counts.total());
        let selected = Selected { groups: vec![Group { rescale, counts }], padding: 0, outside };
        let (header, groups) = (input.derived(to), Groups::of(input));
        Ok(Self { header, groups, selected, counted, decision: Decided::Bins(edges, table), source })
    }

    /// What is written.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is read: the input, as the kernels take it.
    pub fn input(&self) -> &Header {
        self.source.header()
    }

    /// Whether there was nothing to equalise, so that the output is the input.
    pub fn unchanged(&self) -> bool {
        matches!(self.decision, Decided::Unchanged)
    }

    /// The voxels that took part; for floats in bins between [`Equalization::edges`].
    pub fn before(&self) -> &Selected {
        &self.selected
    }

    /// How many voxels the levels are spread over: those that count and lie within the range.
    pub fn counted(&self) -> u64 {
        self.counted
    }

    /// The bins of float voxels.
    pub fn edges(&self) -> Option<&Edges> {
        match &self.decision {
            Decided::Bins(edges, _) => Some(edges),
            _ => None,
        }
    }

    /// The same voxels counted after equalisation, without looking at them again; none if nothing changes.
    pub fn after(&self) -> Option<Counts> {
        let mut after = Counts::exact(self.header.dtype);
        let mut push = |table: &Table, counts: &Counts| {
            for (entry, n) in table.entries().iter().zip(&counts.bins) {
                after.bins[*entry as usize] += n;
            }
        };
        match &self.decision {
            Decided::Tables(tables) => tables.iter().zip(&self.selected.groups).for_each(|(t, g)| push(t, &g.counts)),
            Decided::Bins(_, table) => self.selected.groups.iter().for_each(|g| push(table, &g.counts)),
            Decided::Unchanged => return None,
        }
        Some(after)
    }

    /// The result for a stored value in a slice, counted through all volumes.
    pub fn level(&self, slice: u64, stored: f64) -> f64 {
        match &self.decision {
            Decided::Tables(tables) => {
                let at = slice * self.input().shape.slice_voxels();
                tables[self.groups.run(at, at + 1).1].get(stored as i32)
            }
            Decided::Bins(edges, table) if !stored.is_nan() => {
                let bin = match edges.bin(stored as f32) {
                    Ok(bin) => bin,
                    Err(Outside::Below) => 0,
                    Err(Outside::Above) => edges.bins() - 1,
                };
                f64::from(table.entries()[bin])
            }
            Decided::Bins(..) => 0.0,
            Decided::Unchanged => stored,
        }
    }

    /// Writes the result.
    ///
    /// # Errors
    /// What reading and writing give; [`Error::Interrupted`].
    pub fn write(&self, sink: &dyn Sink, device: &Device, watch: &dyn Watch) -> Result<()> {
        let source = self.source.as_ref();
        match &self.decision {
            Decided::Tables(tables) => map(source, tables, sink, device, watch),
            Decided::Bins(edges, table) => map_floats(source, edges, table, 0, sink, device, watch),
            Decided::Unchanged => copy(source, sink, watch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipelines::{Silent, resolve};
    use crate::volume::{Padding, Rescale, Rescales, Shape, Volume};

    fn equalization(dtype: Dtype, bytes: &[u8], change: impl Fn(&mut Header), job: Equalize) -> Result<Equalization> {
        let mut header = Header::new(Shape::new(&[(bytes.len() / dtype.bytes()) as u64]).unwrap(), dtype);
        change(&mut header);
        let input = resolve(Box::new(Volume::new(header, bytes.to_vec()).unwrap()), &Silent).unwrap();
        Equalization::new(input, None, &job, &Device::Cpu, None, &Silent)
    }

    #[test]
    fn padding_becomes_zero_and_a_constant_stays() {
        let bytes: Vec<u8> = [-2000i16, -10, 0, 10, 10].iter().flat_map(|v| v.to_le_bytes()).collect();
        let pad = |h: &mut Header| h.padding = Some(Padding { low: -2000.0, high: -2000.0 });
        let e = equalization(Dtype::I16, &bytes, pad, Equalize::default()).unwrap();
        assert_eq!((e.header().dtype, e.before().padding), (Dtype::U16, 5 - 4));
        assert_eq!([-2000.0, -10.0, 0.0, 10.0].map(|v| e.level(0, v)), [0.0, 0.0, 21_845.0, 65_535.0]);
        assert_eq!(e.after().unwrap().occupied().collect::<Vec<_>>(), [(0, 1), (21_845, 1), (65_535, 2)]);

        let e = equalization(Dtype::I16, &(-7i16).to_le_bytes().repeat(3), |_| (), Equalize::default()).unwrap();
        assert!(e.unchanged() && e.after().is_none());
        assert_eq!((e.header().dtype, e.level(0, -7.0)), (Dtype::I16, -7.0));
    }

    #[test]
    fn floats_are_spread_by_rank() {
        let values = [0.25f32, 0.5, 0.75, 0.75, f32::NAN, f32::INFINITY];
        let e = equalization(Dtype::F32, bytemuck::cast_slice(&values), |_| (), Equalize::default()).unwrap();
        assert_eq!(values.map(|v| e.level(0, f64::from(v))), [0.0, 21_845.0, 65_535.0, 65_535.0, 0.0, 65_535.0]);
        let negative = |h: &mut Header| h.rescale = Rescales::Uniform(Rescale { slope: -1.0, intercept: 0.0 });
        let e = equalization(Dtype::F32, bytemuck::cast_slice(&values[..4]), negative, Equalize::default()).unwrap();
        assert_eq!([0.25, 0.5, 0.75].map(|v| e.level(0, v)), [65_535.0, 32_768.0, 0.0]);
        let job = Equalize { range: Some((5.0, 6.0)), ..Equalize::default() };
        assert!(equalization(Dtype::F32, bytemuck::cast_slice(&values), |_| (), job).is_err());
        let nan = equalization(Dtype::F32, bytemuck::cast_slice(&[f32::NAN; 3]), |_| (), Equalize::default());
        assert!(matches!(nan, Err(Error::Usage { .. })));
    }
}
