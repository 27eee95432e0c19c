use super::*;
use crate::engine::Gpu;
use crate::ops::testing::{assert_same, gpu};

const TABLE: EntryScale = EntryScale { first: 0.0, scale: 1.0, count: 256 };

fn identity() -> Vec<u32> {
    (0..=255).map(|grey| grey * 0x01_0101).collect()
}

fn opaque(grey: u32) -> u32 {
    0xff00_0000 | (grey * 0x01_0101)
}

fn on_gpu(
    gpu: &Gpu,
    framing: &Framing,
    plane: &[f32],
    (entries, table, coloured): (EntryScale, &[u32], bool),
    labels: Option<(&[f32], &[u32])>,
) -> Vec<u32> {
    let upload = |words: &[u8]| gpu.storage_with("test", words, 4).unwrap();
    let plane = upload(bytemuck::cast_slice(plane));
    let table = upload(bytemuck::cast_slice(table));
    let over = labels.map(|(labels, palette)| {
        (upload(bytemuck::cast_slice(labels)), upload(bytemuck::cast_slice(palette)), palette.len() as u32)
    });
    let labels = over.as_ref().map(|(labels, palette, count)| (labels, palette, *count));
    let picture = gpu.storage("test", framing.bytes()).unwrap();
    let texture = gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: framing.view[0], height: framing.view[1], depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::COPY_DST | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    let back = gpu.storage("test", framing.bytes()).unwrap();
    let mut encoder = gpu.encoder();
    encode(gpu, &mut encoder, framing, &Layers { plane: &plane, entries, table: &table, coloured, labels }, &picture).unwrap();
    to_texture(&mut encoder, framing, &picture, &texture);
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * framing.pitch()), rows_per_image: None };
    encoder.copy_texture_to_buffer(texture.as_image_copy(), wgpu::TexelCopyBufferInfo { buffer: &back, layout }, texture.size());
    gpu.submit("test", encoder).unwrap();
    // Through the texture, so that it is seen to hold the picture.
    let bytes = gpu.download("test", &back, back.size()).unwrap();
    let rows = bytes.chunks_exact(4 * framing.pitch() as usize);
    rows.flat_map(|row| {
        row.as_chunks().0[..framing.view[0] as usize].iter().map(|four| u32::from_le_bytes(*four)).collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn greys_edges_and_colours_by_hand() {
    let plane = [0.0, 100.0, 200.0, f32::NAN];
    let of = |framing: Framing, labels: Option<(&[f32], &[u32])>| cpu(&framing, &plane, &TABLE, &identity(), labels);
    let whole = Framing::whole([2, 2]);
    assert_eq!(of(whole, None), [0, 100, 200, 0].map(opaque));
    // One pixel to the left of the plane, the plane, and one beyond.
    let wide = Framing { view: [4, 1], from: [-PARTS, 0], beyond: 7, ..whole };
    assert_eq!(of(wide, None), [7, opaque(0), opaque(100), 7]);
    // Twice as large: between the middles a quarter and three quarters; outside of them the pixel itself.
    let smooth = Framing { view: [4, 1], step: [PARTS / 2; 2], smooth: true, ..whole };
    assert_eq!(of(smooth, None), [0, 25, 75, 100].map(opaque));
    // Half red over 100; label 2 has no colour.
    let labels = [0.0, 1.0, 2.0, 9.0];
    let mixed = of(whole, Some((&labels, &[0, 0x80_00_00_ff, 0])));
    assert_eq!(mixed, [opaque(0), 0xff_32_32_b2, opaque(200), opaque(0)]);
    // A block of label 1 with a hole: outlines are full colours at its rim.
    let labels: Vec<f32> =
        (0..25).map(|i| if (1..4).contains(&(i % 5)) && (1..4).contains(&(i / 5)) { 1.0 } else { 0.0 }).collect();
    let outline = Framing { outline: true, ..Framing::whole([5, 5]) };
    let seen = cpu(&outline, &[50.0; 25], &TABLE, &identity(), Some((&labels, &[0, 0x40_00_ff_00])));
    let wanted = |i: usize| if labels[i] == 1.0 && i != 12 { 0xff_00_ff_00 } else { opaque(50) };
    assert_eq!(seen, (0..25).map(wanted).collect::<Vec<_>>());
}

#[test]
fn the_device_shows_what_the_cpu_shows() {
    let Some(gpu) = gpu() else { return };
    let size = [37, 23];
    let pixels = 37 * 23;
    let plane: Vec<f32> = (0..pixels).map(|i| if i % 97 == 5 { f32::NAN } else { ((i * 7919) % 4001) as f32 - 1500.0 }).collect();
    let labels: Vec<f32> = (0..pixels).map(|i| ((i % 37 / 5 + i / 37 / 4) % 6) as f32).collect();
    let palette = [0, 0x80_00_00_ff, 0xff_20_c0_00, 0x01_ff_ff_ff, 0];
    let table = EntryScale { first: -1024.0, scale: 1.0, count: 3000 };
    let greys: Vec<u32> = (0..3000).map(|i| i * 255 / 2999).collect();
    let spread: Vec<u32> = greys.iter().map(|grey| grey * 0x01_0101).collect();
    let colours: Vec<u32> = (0..3000).map(|i| (i * 0x10_731) & 0xff_ffff).collect();
    for (from, step) in [
        ([0, 0], [PARTS; 2]),
        ([-5 * PARTS, 3 * PARTS + 17], [PARTS / 3, PARTS / 2]),
        ([PARTS, -PARTS / 2], [3 * PARTS, 2 * PARTS]),
    ] {
        for (smooth, outline) in [(false, false), (true, false), (true, true)] {
            let inverted = outline;
            let framing = Framing { view: [131, 70], from, step, smooth, outline, inverted, ..Framing::whole(size) };
            for over in [None, Some((labels.as_slice(), palette.as_slice()))] {
                let want = cpu(&framing, &plane, &table, &spread, over);
                assert_same(&format!("{framing:?}"), &on_gpu(gpu, &framing, &plane, (table, &greys, false), over), &want);
                let framing = Framing { inverted: false, ..framing };
                let want = cpu(&framing, &plane, &table, &colours, over);
                assert_same(&format!("{framing:?}"), &on_gpu(gpu, &framing, &plane, (table, &colours, true), over), &want);
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let buffer = gpu.storage("test", 4 * 256).unwrap();
    let picture = gpu.storage("test", Framing::whole([8, 8]).bytes()).unwrap();
    let layers = Layers { plane: &buffer, entries: TABLE, table: &buffer, coloured: false, labels: None };
    let refused = |framing: Framing, layers: Layers<'_>| encode(gpu, &mut gpu.encoder(), &framing, &layers, &picture).is_err();
    let good = Framing::whole([8, 8]);
    assert!(!refused(good, layers));
    assert!(refused(Framing { size: [17, 16], ..good }, layers), "a short plane");
    assert!(refused(Framing { view: [8, 9], ..good }, layers), "a short picture");
    assert!(refused(Framing { view: [0, 8], ..good }, layers));
    assert!(refused(Framing { size: [LONGEST + 1, 1], ..good }, layers));
    assert!(refused(good, Layers { entries: EntryScale { count: 257, ..TABLE }, ..layers }), "a short table");
    assert!(refused(good, Layers { labels: Some((&buffer, &buffer, 257)), ..layers }), "a short palette");
}
