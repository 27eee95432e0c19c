use std::sync::{Arc, Mutex};

use super::*;
use crate::Result;
use crate::engine::{AdapterChoice, Gpu};
use crate::io::{Sink, Source};
use crate::ops::histogram::{self, Edges};
use crate::ops::lut;
use crate::ops::testing::{Content, assert_same, gpu, noise};
use crate::volume::{Block, Counts, Dtype, Header, Padding, Rescale, Rescales, Shape, Table, Volume};

/// Collects what is written, and says what never was.
pub(super) struct Memory {
    bytes: Mutex<Vec<Option<u8>>>,
    size: usize,
}

impl Memory {
    pub fn new(voxels: usize, dtype: Dtype) -> Self {
        Self { bytes: Mutex::new(vec![None; voxels * dtype.bytes()]), size: dtype.bytes() }
    }

    pub fn take(self) -> Vec<u8> {
        self.bytes.into_inner().unwrap().into_iter().map(|b| b.expect("a voxel was not written")).collect()
    }
}

impl Sink for Memory {
    fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        let mut all = self.bytes.lock().unwrap();
        for (i, b) in bytes.iter().enumerate() {
            all[at as usize * self.size + i] = Some(*b);
        }
        Ok(())
    }
}

/// Shells of several values around many middles, with gaps.
pub(super) fn shells(axes: &[u64], values: u64) -> Vec<u16> {
    let shape = Shape::new(axes).unwrap();
    let [nx, ny, _] = shape.xyz();
    let value = |i: u64| {
        let at = [i % nx, i / nx % ny, i / nx / ny];
        let far = at.iter().map(|n| (n % 13).abs_diff(6)).max().unwrap();
        let cell = at.iter().fold(0, |all, n| all * 100 + n / 13);
        if noise(i).is_multiple_of(150) { 0 } else { (noise(cell * 7 + far) % (values + 1)) as u16 }
    };
    (0..shape.voxels()).map(value).collect()
}

/// Whole numbers as a volume of a type.
pub(super) fn labelled(axes: &[u64], dtype: Dtype, values: &[u16]) -> Volume {
    let header = Header::new(Shape::new(axes).unwrap(), dtype);
    let bytes = values.iter().flat_map(|v| match dtype {
        Dtype::F32 => f32::from(*v).to_le_bytes().to_vec(),
        _ => v.to_le_bytes()[..dtype.bytes()].to_vec(),
    });
    Volume::new(header, bytes.collect()).unwrap()
}

/// A volume that is not in memory as far as the pipelines know, and that dislikes jumps if asked to.
pub(super) struct File {
    pub volume: Volume,
    pub unit: u64,
    pub sequential: bool,
}

impl Source for File {
    fn header(&self) -> &Header {
        self.volume.header()
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        Source::read(&self.volume, at, into)
    }

    fn unit(&self) -> u64 {
        self.unit
    }

    fn sequential(&self) -> bool {
        self.sequential
    }
}

pub(super) fn devices() -> Vec<Device> {
    let mut devices = vec![Device::cpu()];
    if let Some(gpu) = gpu() {
        devices.push(Device::gpu(Gpu::from_device(gpu.device().clone(), gpu.queue().clone())));
    }
    devices
}

fn ct(axes: &[u64], rescale: Rescales) -> Volume {
    let shape = Shape::new(axes).unwrap();
    let bytes = Content::Ct.bytes(Dtype::I16, shape.voxels() as usize);
    let mut header = Header::new(shape, Dtype::I16);
    header.meaning.rescale = rescale;
    Volume::new(header, bytes).unwrap()
}

#[test]
fn every_way_over_a_volume_counts_and_maps_alike() {
    let volume = ct(&[301, 211, 37], Rescales::Uniform(Rescale::IDENTITY));
    let mask_bytes: Vec<u8> = (0..volume.block().len()).map(|i| (noise(i as u64 / 50) % 2) as u8 * 9).collect();
    let mask_volume = Volume::new(Header::new(volume.header().grid.shape.clone(), Dtype::U8), mask_bytes.clone()).unwrap();
    let mask = Mask::new(Arc::new(mask_volume), None, volume.header(), &Run::silent(&Device::cpu())).unwrap();
    let want = histogram::cpu(volume.block(), None);
    let want_masked = histogram::cpu(volume.block(), Some(&mask_bytes));
    let table = Table::from_fn(Dtype::I16, Dtype::U8, |v| f64::from(v + 1024) / 8.0);
    let mut mapped = vec![0; volume.block().len()];
    lut::cpu(volume.block(), &table, &mut mapped);
    let mapped_volume = map_volume(&volume, std::slice::from_ref(&table), volume.header().derived(Dtype::U8)).unwrap();
    assert_same("in memory", mapped_volume.bytes(), &mapped);

    for device in devices() {
        for (unit, sequential) in [(1, false), (301 * 211, false), (7919, true)] {
            let file = File { volume: volume.clone(), unit, sequential };
            let run = Run::silent(&device);
            for source in [Arc::new(volume.clone()) as Arc<dyn Source>, Arc::new(file)] {
                let input = Input::of(source);
                let name = format!("{} {unit} {sequential}", device.name());
                let seen = Mutex::new(vec![0u8; volume.block().len()]);
                let observer = |at: u64, block: Block<'_>| {
                    seen.lock().unwrap()[at as usize..at as usize + block.len()].iter_mut().for_each(|n| *n += 1);
                };
                let counts = count(&input.clone().observed(Some(&observer)), &run).unwrap();
                assert_same(&name, &counts[0].counts.bins, &want.bins);
                assert!(seen.into_inner().unwrap().iter().all(|n| *n == 1), "the observer sees each voxel once");
                let masked = input.clone().masked(Some(mask.clone()));
                let counts = count(&masked, &run).unwrap();
                assert_same(&name, &counts[0].counts.bins, &want_masked.bins);
                let by_label = count_by_label(&masked, &run).unwrap();
                assert_eq!(by_label.iter().map(|g| g.label).collect::<Vec<_>>(), [0, 1]);
                assert_same(&name, &by_label[1].counts.bins, &want_masked.bins);
                let mut both = by_label[0].counts.clone();
                both.merge(&by_label[1].counts);
                assert_same(&name, &both.bins, &want.bins);
                let sink = Memory::new(volume.block().len(), Dtype::U8);
                map(&input, std::slice::from_ref(&table), &sink, &run).unwrap();
                assert_same(&name, &sink.take(), &mapped);
            }
        }
    }
}

#[test]
fn slices_of_different_rescale_are_counted_and_mapped_apart() {
    let (a, b) = (Rescale { slope: 1.0, intercept: -1024.0 }, Rescale { slope: 2.0, intercept: 5.0 });
    let rescales = [a, a, b, a, b];
    let volume = ct(&[33, 17, 5], Rescales::PerSlice(rescales.to_vec()));
    let slice = 33 * 17;
    let tables = [Table::from_fn(Dtype::I16, Dtype::U16, |_| 1.0), Table::from_fn(Dtype::I16, Dtype::U16, |_| 2.0)];
    let want: Vec<u8> = rescales.iter().flat_map(|r| [if *r == a { 1u8 } else { 2 }, 0].repeat(slice)).collect();
    let input = Input::of(Arc::new(volume.clone()));
    for device in devices() {
        let groups = count(&input, &Run::silent(&device)).unwrap();
        assert_eq!(groups.iter().map(|g| g.rescale).collect::<Vec<_>>(), [a, b]);
        for g in &groups {
            let mut counts = Counts::exact(Dtype::I16);
            for (bytes, _) in volume.bytes().chunks_exact(2 * slice).zip(&rescales).filter(|(_, r)| **r == g.rescale) {
                counts.merge(&histogram::cpu(Block { dtype: Dtype::I16, bytes }, None));
            }
            assert_same(device.name(), &g.counts.bins, &counts.bins);
        }
        let sink = Memory::new(5 * slice, Dtype::U16);
        map(&input, &tables, &sink, &Run::silent(&device)).unwrap();
        assert_same(device.name(), &sink.take(), &want);
    }
    let mapped = map_volume(&volume, &tables, volume.header().derived(Dtype::U16)).unwrap();
    assert_same("in memory", mapped.bytes(), &want);
    assert!(map_volume(&volume, &tables[..1], volume.header().derived(Dtype::U16)).is_err());
}

#[test]
fn floats_take_the_same_ways() {
    let values: Vec<f32> = (0..50_021).map(|i| f32::from_bits(noise(i) as u32)).collect();
    let header = Header::new(Shape::new(&[50_021]).unwrap(), Dtype::F32);
    let volume = Volume::new(header, bytemuck::cast_slice(&values).to_vec()).unwrap();
    let edges = Arc::new(Edges::uniform(-1e10, 1e10, 500).unwrap());
    let table = Table::from_bins(500, Dtype::U16, |i| i as f64);
    let bins = BinTable { edges: edges.as_ref().clone(), table: table.clone(), nan: 9 };
    let input = Input::of(Arc::new(volume.clone()));
    let mut mapped = vec![0; 2 * values.len()];
    lut::cpu_floats(volume.block(), &edges, &table, 9, &mut mapped);
    let mut first = None;
    for device in devices() {
        let run = Run::silent(&device);
        let counts = count_between(&input, &edges, &run).unwrap();
        assert_eq!(counts.total() + counts.nan + counts.below + counts.above, 50_021);
        assert_eq!(&counts, first.get_or_insert_with(|| counts.clone()));
        let sink = Memory::new(values.len(), Dtype::U16);
        map_bins(&input, &bins, &sink, &run).unwrap();
        assert_same(device.name(), &sink.take(), &mapped);
    }
}

/// Records what the summary would say.
#[derive(Default)]
pub(super) struct Events(Mutex<Vec<String>>);

impl Events {
    /// All so far.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Watch for Events {
    fn event(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
}

#[test]
fn a_destroyed_device_loses_nothing() {
    if gpu().is_none() {
        return;
    }
    let volume = ct(&[256, 256, 200], Rescales::Uniform(Rescale::IDENTITY));
    let input = Input::of(Arc::new(volume.clone()));
    let want = histogram::cpu(volume.block(), None);
    let table = Table::from_fn(Dtype::I16, Dtype::U16, |v| f64::from(v) + 2000.0);
    let mut mapped = vec![0; volume.bytes().len()];
    lut::cpu(volume.block(), &table, &mut mapped);
    // Before the first unit, and after a few.
    for units in [0, 2] {
        let events = Events(Mutex::default());
        let own = || Arc::new(Gpu::open(&AdapterChoice::Any).unwrap());
        let destroy_at = |gpu: Arc<Gpu>| {
            let seen = std::sync::atomic::AtomicU64::new(0);
            move |_: u64, _: Block<'_>| {
                if seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == units {
                    gpu.device().destroy();
                }
            }
        };
        let gpu = own();
        let observer = destroy_at(gpu.clone());
        let device = Device::gpu(gpu);
        let run = Run::new(&device, Run::MEMORY_BYTES, &events);
        let counts = count(&input.clone().observed(Some(&observer)), &run).unwrap();
        assert_same("counts", &counts[0].counts.bins, &want.bins);
        // The next pass begins on the rebuilt device.
        let rebuilt = events.0.lock().unwrap().len();
        count(&input, &run).unwrap();
        assert_eq!(events.0.lock().unwrap().len(), rebuilt, "{:?}", events.0.lock().unwrap());

        let gpu = own();
        if units == 0 {
            gpu.device().destroy();
        }
        let sink = Memory::new(volume.block().len(), Dtype::U16);
        map(&input, std::slice::from_ref(&table), &sink, &Run::new(&Device::gpu(gpu), Run::MEMORY_BYTES, &events)).unwrap();
        assert_same("voxels", &sink.take(), &mapped);
        let said = events.0.into_inner().unwrap().join("; ");
        assert!(said.contains("device rebuilt"), "{said}");
    }
    // A device that came from the caller cannot be rebuilt here: the CPU finishes.
    let (device, queue) = {
        let gpu = Gpu::open(&AdapterChoice::Any).unwrap();
        (gpu.device().clone(), gpu.queue().clone())
    };
    device.destroy();
    let events = Events(Mutex::default());
    let gpu = Arc::new(Gpu::from_device(device, queue));
    let counts = count(&input, &Run::new(&Device::gpu(gpu), Run::MEMORY_BYTES, &events)).unwrap();
    assert_same("counts", &counts[0].counts.bins, &want.bins);
    let said = events.0.into_inner().unwrap().join("; ");
    assert!(said.contains("the CPU finishes"), "{said}");
}

#[test]
fn stopping_and_failing_end_a_job() {
    struct Stop;
    impl Watch for Stop {
        fn stopped(&self) -> bool {
            true
        }
    }
    let volume = ct(&[64, 64, 4], Rescales::Uniform(Rescale::IDENTITY));
    for device in devices() {
        let run = Run::new(&device, Run::MEMORY_BYTES, &Stop);
        assert!(matches!(count(&Input::of(Arc::new(volume.clone())), &run), Err(crate::Error::Interrupted)));
    }
    struct Broken(Header);
    impl Source for Broken {
        fn header(&self) -> &Header {
            &self.0
        }
        fn read(&self, _: u64, _: &mut [u8]) -> Result<()> {
            Err(crate::Error::usage("broken", "mend it"))
        }
    }
    let broken = Input::of(Arc::new(Broken(volume.header().clone())));
    for device in devices() {
        assert!(matches!(count(&broken, &Run::silent(&device)), Err(crate::Error::Usage { .. })));
    }
}

#[test]
fn a_mask_must_lie_on_the_grid_of_the_image() {
    let volume = ct(&[4, 3, 2], Rescales::Uniform(Rescale::IDENTITY));
    let mask = |axes: &[u64], origin: Option<[f64; 3]>| {
        let shape = Shape::new(axes).unwrap();
        let voxels = shape.voxels() as usize;
        let mut header = Header::new(shape, Dtype::F32);
        header.grid.geometry = origin.map(geometry);
        Arc::new(Volume::new(header, vec![0; 4 * voxels]).unwrap())
    };
    let device = Device::cpu();
    let run = &Run::silent(&device);
    let mut header = volume.header().clone();
    header.grid.geometry = Some(geometry([1.0, 2.0, 3.0]));
    assert!(Mask::new(mask(&[4, 3, 2], None), None, &header, run).is_ok());
    assert!(Mask::new(mask(&[4, 3, 2], Some([1.0, 2.0, 3.004])), None, &header, run).is_ok());
    let error = Mask::new(mask(&[4, 3, 2], Some([1.0, 2.0, 4.0])), None, &header, run).unwrap_err().to_string();
    assert!(error.contains("4.00") && error.contains("3.00"), "{error}");
    let error = Mask::new(mask(&[4, 3, 3], None), None, &header, run).unwrap_err().to_string();
    assert!(error.contains("4 x 3 x 3") && error.contains("4 x 3 x 2"), "{error}");
}

fn geometry(origin: [f64; 3]) -> crate::volume::Geometry {
    let direction = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let position = Some(crate::volume::Position { origin_mm: origin, direction });
    crate::volume::Geometry { spacing_mm: [1.0; 3], position }
}

#[test]
fn masks_select_by_label_and_values_by_range_and_padding() {
    let bytes: Vec<u8> = [0.0f32, 1.0, 2.0, f32::NAN].iter().flat_map(|v| v.to_le_bytes()).collect();
    let volume = Volume::new(Header::new(Shape::new(&[4]).unwrap(), Dtype::F32), bytes).unwrap();
    let read = |label| {
        let mask = Mask::new(Arc::new(volume.clone()), label, volume.header(), &Run::silent(&Device::cpu())).unwrap();
        let mut out = [9; 4];
        mask.source().read(0, &mut out).unwrap();
        out
    };
    assert_eq!((read(None), read(Some(2.0))), ([0, 1, 1, 0], [0, 0, 1, 0]));

    let mut counts = Counts::exact(Dtype::I16);
    for (stored, n) in [(-2000i32, 5), (0, 3), (10, 2), (100, 1)] {
        counts.bins[(stored + 32_768) as usize] = n;
    }
    let group = Group { label: 0, rescale: Rescale { slope: 2.0, intercept: 0.0 }, counts };
    let padding = Some(Padding { low: -2000.0, high: -1999.0 });
    let region = Region { range: Some((0.0, 20.0)), with_padding: false };
    let c = Counted::from_groups(vec![group.clone()], padding, &region);
    assert_eq!((c.padding, c.outside, c.total()), (5, 1, 5));
    let c = Counted::from_groups(vec![group], padding, &Region { range: None, with_padding: true });
    assert_eq!((c.padding, c.outside, c.total()), (5, 0, 11));
}

#[test]
fn little_memory_gives_the_same_bits() {
    let volume = ct(&[201, 101, 11], Rescales::Uniform(Rescale::IDENTITY));
    let want = histogram::cpu(volume.block(), None);
    let table = Table::from_fn(Dtype::I16, Dtype::U16, |v| f64::from(v + 5000));
    let mut mapped = vec![0; volume.bytes().len()];
    lut::cpu(volume.block(), &table, &mut mapped);
    for device in devices() {
        let input = Input::of(Arc::new(File { volume: volume.clone(), unit: 1, sequential: false }));
        let little = Run::silent(&device).with_memory(1 << 18);
        let counts = count(&input, &little).unwrap();
        assert_same("counts", &counts[0].counts.bins, &want.bins);
        let sink = Memory::new(volume.block().len(), Dtype::U16);
        map(&input, std::slice::from_ref(&table), &sink, &little).unwrap();
        assert_same("voxels", &sink.take(), &mapped);
    }
}

#[test]
fn more_than_two_to_the_32_voxels_are_counted_and_written() {
    const VOXELS: u64 = (1 << 32) + 7;
    /// All voxels are 3 but the last, which is 200: nothing that large need exist.
    struct Endless(Header);
    impl Source for Endless {
        fn header(&self) -> &Header {
            &self.0
        }
        fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
            into.fill(3);
            if at + into.len() as u64 == VOXELS {
                into[into.len() - 1] = 200;
            }
            Ok(())
        }
    }
    /// Sums what arrives and remembers the last voxel.
    #[derive(Default)]
    struct Ends(Mutex<(u64, Option<u8>)>);
    impl Sink for Ends {
        fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
            let mut state = self.0.lock().unwrap();
            state.0 += bytes.len() as u64;
            if at + bytes.len() as u64 == VOXELS {
                state.1 = bytes.last().copied();
            }
            Ok(())
        }
    }
    let input = Input::of(Arc::new(Endless(Header::new(Shape::new(&[VOXELS]).unwrap(), Dtype::U8))));
    let device = Device::cpu();
    let counts = count(&input, &Run::silent(&device)).unwrap();
    assert_eq!(counts[0].counts.occupied().collect::<Vec<_>>(), [(3, VOXELS - 1), (200, 1)]);
    let sink = Ends::default();
    let table = Table::from_fn(Dtype::U8, Dtype::U8, |v| f64::from(255 - v));
    map(&input, &[table], &sink, &Run::silent(&device)).unwrap();
    assert_eq!(sink.0.into_inner().unwrap(), (VOXELS, Some(55)));
}
