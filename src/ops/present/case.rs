//! What the self-check runs.

use super::{EntryScale, Framing, Layers, PARTS, cpu, encode};
use crate::engine::Gpu;
use crate::ops::checks::{Checks, Difference, Sample, compare};
use crate::volume::Dtype;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    let size = [37, 23];
    let near = Framing { view: [90, 51], from: [-PARTS, PARTS / 3], step: [PARTS * 2 / 5, PARTS / 2], ..Framing::whole(size) };
    checks.note("all pixels", case(checks.gpu, &Framing::whole(size)));
    checks.note("enlarged, smooth", case(checks.gpu, &Framing { smooth: true, ..near }));
    checks.note("outlines", case(checks.gpu, &Framing { outline: true, ..near }));
}

fn case(gpu: &Gpu, framing: &Framing) -> Difference {
    let pixels = (framing.size[0] * framing.size[1]) as usize;
    let noise = Sample::Noise.bytes(Dtype::I16, pixels);
    let plane: Vec<f32> = noise.as_chunks().0.iter().map(|two| f32::from(i16::from_le_bytes(*two))).collect();
    // Patches of five labels, one of which has no colour.
    let labels: Vec<f32> =
        (0..pixels).map(|i| (i as u32 % framing.size[0] / 5 + i as u32 / framing.size[0] / 4) as f32 % 5.0).collect();
    let palette = [0, 0x80_00_00_ff, 0xff_20_c0_00, 0x01_ff_ff_ff];
    let entries = EntryScale { first: -32_768.0, scale: 1.0, count: 65_536 };
    let table: Vec<u32> = (0..65_536_u32).map(|i| i.wrapping_mul(0x1_0307) & 0xff_ffff).collect();
    let upload = |bytes: &[u8]| gpu.storage_with("present", bytes, 4);
    let (plane_on, labels_on) = (upload(bytemuck::cast_slice(&plane))?, upload(bytemuck::cast_slice(&labels))?);
    let (table_on, palette_on) = (upload(bytemuck::cast_slice(&table))?, upload(bytemuck::cast_slice(&palette))?);
    let picture = gpu.storage("present", framing.bytes())?;
    let mut encoder = gpu.encoder();
    let layers =
        Layers { plane: &plane_on, entries, table: &table_on, coloured: true, labels: Some((&labels_on, &palette_on, 4)) };
    encode(gpu, &mut encoder, framing, &layers, &picture)?;
    gpu.submit("present", encoder)?;
    let got = gpu.download("present", &picture, picture.size())?;
    let rows = got.chunks_exact(4 * framing.pitch() as usize);
    let got: Vec<u32> =
        rows.flat_map(|row| row.as_chunks().0[..framing.view[0] as usize].iter().map(|four| u32::from_le_bytes(*four))).collect();
    Ok(compare(&got, &cpu(framing, &plane, &entries, &table, Some((&labels, &palette)))))
}
