//! Pictures on one thread of the CPU.

use super::{EntryScale, Framing, PARTS};

/// The picture, row by row without padding: RGBA, red lowest. The table holds greys in all three colours, or colours, which stay as they are in an inverted picture only
/// if the caller turns them before; `labels` are those of the pixels and the
/// palette.
///
/// # Panics
/// If sides are 0 or too long, or a plane has another number of pixels.
pub fn cpu(framing: &Framing, plane: &[f32], entries: &EntryScale, table: &[u32], labels: Option<(&[f32], &[u32])>) -> Vec<u32> {
    if let Some(flaw) = framing.flaw() {
        panic!("{flaw}");
    }
    let [width, height] = framing.size.map(|n| n as i32);
    assert_eq!(plane.len(), (width * height) as usize, "a plane of another size");
    let at = |x: i32, y: i32| (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)) as usize;
    let turned = if framing.inverted { 0xff } else { 0 };
    let parts = |word: u32| [word & 0xff, word >> 8 & 0xff, word >> 16 & 0xff];
    let value = |x: i32, y: i32| {
        let value = plane[at(x, y)];
        let entry = (value - entries.first) * entries.scale;
        match value.is_nan() {
            true => [0; 3],
            false => parts(table[entry.clamp(0.0, (entries.count - 1) as f32) as usize]).map(|part| part ^ turned),
        }
    };
    let between = |x: i32, y: i32| {
        let [x, y] = [x, y].map(|place| place - PARTS / 2);
        let ([column, row], [right, down]) = ([x, y].map(|p| p.div_euclid(PARTS)), [x, y].map(|p| ((p >> 8) & 255) as u32));
        let corners = [value(column, row), value(column + 1, row), value(column, row + 1), value(column + 1, row + 1)];
        let line = |a: u32, b: u32| a * (256 - right) + b * right;
        [0, 1, 2].map(|c| {
            let [a, b, below, beside] = corners.map(|corner| corner[c]);
            (line(a, b) * (256 - down) + line(below, beside) * down + 32_768) >> 16
        })
    };
    let pixel = |i: u32| {
        let [x, y] = [i % framing.view[0], i / framing.view[0]].map(|n| n as i32);
        let place = |axis: usize, n: i32| framing.from[axis] + n * framing.step[axis] + framing.step[axis] / 2;
        let [x, y] = [place(0, x), place(1, y)];
        if x < 0 || y < 0 || x / PARTS >= width || y / PARTS >= height {
            return framing.beyond;
        }
        let mut shade = if framing.smooth { between(x, y) } else { value(x / PARTS, y / PARTS) };
        if let Some((labels, palette)) = labels {
            let label = |x: i32, y: i32| labels[at(x.div_euclid(PARTS), y.div_euclid(PARTS))].max(0.0) as usize;
            let own = label(x, y);
            let colour = palette.get(own).copied().unwrap_or(0);
            let mut share = colour >> 24;
            if framing.outline && share > 0 {
                let [right, down] = framing.step;
                let around = [label(x - right, y), label(x + right, y), label(x, y - down), label(x, y + down)];
                share = if around.iter().all(|other| *other == own) { 0 } else { 255 };
            }
            let over = parts(colour);
            shade = [0, 1, 2].map(|c| (shade[c] * (255 - share) + over[c] * share + 127) / 255);
        }
        0xff00_0000 | shade[0] | shade[1] << 8 | shade[2] << 16
    };
    (0..framing.view[0] * framing.view[1]).map(pixel).collect()
}
