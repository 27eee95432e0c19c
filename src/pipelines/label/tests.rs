use super::*;
use crate::ops::components::{self, label};
use crate::ops::testing::assert_same;
use crate::pipelines::Device;
use crate::pipelines::tests::{File, Memory, labelled, shells};
use crate::volume::{Rescale, Rescales, Shape, Volume};

fn written(map: &mut ComponentMap, run: &Run<'_>) -> Vec<u32> {
    let header = map.header().clone();
    let sink = Memory::new(header.grid.shape.voxels() as usize, header.meaning.dtype);
    map.write(&sink, run).unwrap();
    let size = header.meaning.dtype.bytes();
    sink.take().chunks(size).map(|b| b.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte))).collect()
}

/// The same in memory, by what the library has for that.
fn expected(values: &[u16], shape: [usize; 3], what: &Labelling) -> (Vec<u32>, Vec<ComponentFacts>) {
    let mut labels = vec![0; values.len()];
    let mut numbered = label(values, shape, what.rules(), &mut labels).unwrap();
    let least = what.least.map_or(0, |least| least.voxels(&crate::volume::Grid::new(Shape::new(&[1, 1, 2]).unwrap())).unwrap());
    if !what.seeds.is_empty() {
        let at: Vec<u32> =
            what.seeds.iter().map(|[x, y, z]| labels[*x as usize + shape[0] * (*y as usize + shape[1] * *z as usize)]).collect();
        numbered.retain(&(1..=numbered.table().len() as u32).map(|label| at.contains(&label)).collect::<Vec<_>>());
    }
    numbered.remove_small(least);
    if let Some(count) = what.keep_largest {
        numbered.retain(&choice::stay(numbered.table(), vec![true; numbered.table().len()], 0, Some(count)));
    }
    numbered.write_labels(0..shape[2], &mut labels[..]);
    match what.fill {
        Some(Holes::Volume) => drop(components::fill(&mut labels, shape).unwrap()),
        Some(Holes::Slices) => drop(components::fill_slices(&mut labels, shape).unwrap()),
        None => {}
    }
    let mut table = numbered.table().to_vec();
    for (i, facts) in table.iter_mut().enumerate() {
        let own = || labels.iter().enumerate().filter(|(_, l)| **l as usize == i + 1).map(|(at, _)| at);
        facts.voxels = own().count() as u64;
        let place = |at: usize| [at % shape[0], at / shape[0] % shape[1], at / shape[0] / shape[1]];
        facts.sums = own().fold([0; 3], |sums, at| [0, 1, 2].map(|a| sums[a] + place(at)[a] as u64));
    }
    if what.order == LabelOrder::Size {
        let mut order: Vec<usize> = (0..table.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(table[*i].voxels));
        let mut new = vec![0; table.len() + 1];
        order.iter().zip(1..).for_each(|(old, label)| new[old + 1] = label);
        labels.iter_mut().for_each(|label| *label = new[*label as usize]);
        table = order.iter().map(|i| table[*i].clone()).collect();
    }
    (labels, table)
}

#[test]
fn any_memory_and_any_type_gives_what_one_piece_gives() {
    let device = Device::cpu();
    let base = Labelling::default();
    let least = Some(LeastSize::Voxels(4));
    let all = [
        base.clone(),
        Labelling { connectivity: Connectivity::Faces, per_label: true, ..base.clone() },
        Labelling { order: LabelOrder::Size, fill: Some(Holes::Volume), least, ..base.clone() },
        Labelling { per_label: true, keep_largest: Some(5), fill: Some(Holes::Volume), ..base.clone() },
        Labelling { per_label: true, keep_largest: Some(2), fill: Some(Holes::Slices), order: LabelOrder::Size, ..base.clone() },
        Labelling { per_label: true, seeds: vec![[0; 3]], fill: Some(Holes::Volume), ..base.clone() },
        Labelling { connectivity: Connectivity::Edges, keep_largest: Some(1), fill: Some(Holes::Volume), ..base.clone() },
    ];
    for axes in [&[40, 29, 27][..], &[40, 29, 14, 2], &[61, 53], &[1]] {
        let values = shells(axes, 3);
        let [nx, ny, nz] = Shape::new(axes).unwrap().xyz().map(|n| n as usize);
        for what in &all {
            let mut what = what.clone();
            if nz == 1 && what.fill.is_some() {
                what.fill = Some(Holes::Slices);
            }
            if !what.seeds.is_empty() {
                what.seeds = [2, 3, 5].map(|part| [nx / part, ny / part, nz / part].map(|at| at as u64)).to_vec();
            }
            let want: Vec<_> = values.chunks(nx * ny * nz).map(|one| expected(one, [nx, ny, nz], &what)).collect();
            let labels: Vec<u32> = want.iter().flat_map(|(labels, _)| labels).copied().collect();
            for (dtype, memory, sequential) in [
                (Dtype::U8, 256 << 20, false),
                (Dtype::U16, 1 << 20, true),
                (Dtype::F32, 420 << 10, false),
                (Dtype::U32, 360 << 10, true),
            ] {
                let image = match dtype {
                    Dtype::U32 => {
                        let bytes = values.iter().flat_map(|v| u32::from(*v).to_le_bytes()).collect();
                        Volume::new(Header::new(Shape::new(axes).unwrap(), dtype), bytes).unwrap()
                    }
                    _ => labelled(axes, dtype, &values),
                };
                let file = File { volume: image, unit: 1, sequential };
                let run = Run::silent(&device).with_memory(memory);
                let mut map = ComponentMap::new(what.chosen(Arc::new(file)), &what, &run).unwrap();
                assert_same(&format!("{axes:?} {what:?} {dtype} {memory}"), &written(&mut map, &run), &labels);
                for (table, (_, want)) in map.tables().zip(&want) {
                    assert_eq!(table, want, "{axes:?} {what:?} {dtype} {memory}");
                }
            }
        }
    }
}

#[test]
fn numbers_are_as_wide_as_they_must_be() {
    let device = Device::cpu();
    let run = Run::silent(&device);
    for (count, dtype) in [(0, Dtype::U8), (255, Dtype::U8), (256, Dtype::U16), (65_535, Dtype::U16), (65_536, Dtype::U32)] {
        // Every other voxel of a long row.
        let values: Vec<u16> = (0..140_000).map(|i| u16::from(i % 2 == 1 && i / 2 < count)).collect();
        let what = Labelling::default();
        let image = labelled(&[140_000, 1, 1], Dtype::U8, &values);
        let mut map = ComponentMap::new(what.chosen(Arc::new(image)), &what, &run).unwrap();
        let numbers = written(&mut map, &run);
        let want: Vec<u32> = (0..140_000).map(|i| if i % 2 == 1 && i / 2 < count { i as u32 / 2 + 1 } else { 0 }).collect();
        assert_same(&format!("{count} components"), &numbers, &want);
        assert_eq!((map.found, map.header().meaning.dtype), (count as u64, dtype));
    }
}

#[test]
fn what_cannot_be_labelled_is_refused() {
    let device = Device::cpu();
    let run = Run::silent(&device);
    let what = Labelling { per_label: true, ..Labelling::default() };
    let below = Volume::new(Header::new(Shape::new(&[2]).unwrap(), Dtype::I8), vec![1, 0xff]).unwrap();
    let refused = ComponentMap::new(what.chosen(Arc::new(below)), &what, &run).err().unwrap().to_string();
    assert!(refused.contains("holds -1"), "{refused}");
    let scaled = Header::new(Shape::new(&[2]).unwrap(), Dtype::U8)
        .with(|h| h.meaning.rescale = Rescales::Uniform(Rescale { slope: 0.3, intercept: 0.0 }));
    let scaled = Volume::new(scaled, vec![0, 1]).unwrap();
    let refused = ComponentMap::new(what.chosen(Arc::new(scaled)), &what, &run).err().unwrap().to_string();
    assert!(refused.contains("holds 0.3"), "{refused}");
    // Without the spacing there are no millimetres.
    let what = Labelling { least: Some(LeastSize::CubicMm(1.0)), ..Labelling::default() };
    let image = labelled(&[3, 3, 3], Dtype::U8, &[1; 27]);
    assert!(matches!(ComponentMap::new(what.chosen(Arc::new(image)), &what, &run), Err(Error::Usage { .. })));
}
