//! Where pictures stand in a panel.

/// Space between pictures.
pub(super) const GAP: f64 = 10.0;
/// Height of the line beneath a picture.
pub(super) const CAPTION: f64 = 20.0;

/// Boxes [x, y, width, height] and the height of the whole, captions included.
pub(super) type Layout = (Vec<[f64; 4]>, f64);

/// Places pictures of these `ratios` (height per width) in a panel `width` wide and, if it can be, `height` high.
///
/// Three pictures (the planes of a volume) stand as they show most: the first large and two beside it, all in a row, or the
/// first above the two. Other numbers stand in a grid.
pub(super) fn arrange(ratios: &[f64], width: f64, height: f64) -> Layout {
    match *ratios {
        [] => (Vec::new(), 0.0),
        [a, b, c] => {
            let kinds: [fn([f64; 3], f64) -> Layout; 3] = [beside, row, above];
            let fitted = kinds.map(|kind| shrink(|w| kind([a, b, c], w), width, height));
            // The product of the areas: no picture may be bought with another.
            let area = |layout: &Layout| layout.0.iter().map(|b| (b[2] * b[3]).ln()).sum::<f64>();
            fitted.into_iter().reduce(|best, l| if area(&l) > area(&best) { l } else { best }).unwrap_or_default()
        }
        _ => {
            let columns = (ratios.len() as f64).sqrt().ceil() as usize;
            shrink(|w| grid(ratios, columns, w), width, height)
        }
    }
}

/// Rows of `columns` pictures of equal width.
pub(super) fn grid(ratios: &[f64], columns: usize, width: f64) -> Layout {
    let w = (width - GAP * (columns - 1) as f64) / columns as f64;
    let mut boxes = Vec::with_capacity(ratios.len());
    let mut y = 0.0;
    for row in ratios.chunks(columns) {
        boxes.extend(row.iter().enumerate().map(|(i, r)| [i as f64 * (w + GAP), y, w, w * r]));
        y += row.iter().fold(0.0, |h: f64, r| h.max(w * r)) + CAPTION + GAP;
    }
    (boxes, y - GAP)
}

/// The first on the left, the others stacked on the right, both sides equally high.
fn beside([a, b, c]: [f64; 3], width: f64) -> Layout {
    let both = b + c;
    // left · a = right · (b + c) + CAPTION + GAP, left + GAP + right = width
    let left = (((width - GAP) * both + CAPTION + GAP) / (a + both)).clamp(0.3 * width, 0.75 * width);
    let right = width - GAP - left;
    let stack = right * both + 2.0 * CAPTION + GAP;
    let boxes = vec![
        [0.0, 0.0, left, left * a],
        [left + GAP, 0.0, right, right * b],
        [left + GAP, right * b + CAPTION + GAP, right, right * c],
    ];
    (boxes, stack.max(left * a + CAPTION))
}

/// Side by side, equally high.
fn row(ratios: [f64; 3], width: f64) -> Layout {
    let h = (width - 2.0 * GAP) / ratios.iter().map(|r| 1.0 / r).sum::<f64>();
    let mut x = 0.0;
    let boxes = ratios
        .map(|r| {
            let at = x;
            x += h / r + GAP;
            [at, 0.0, h / r, h]
        })
        .to_vec();
    (boxes, h + CAPTION)
}

/// The first on top, the others side by side beneath; the first no wider than makes it half as high again as wide a panel.
fn above([a, b, c]: [f64; 3], width: f64) -> Layout {
    let top = width.min(0.75 * width / a);
    let h = (width - GAP) / (1.0 / b + 1.0 / c);
    let y = top * a + CAPTION + GAP;
    let boxes = vec![[(width - top) / 2.0, 0.0, top, top * a], [0.0, y, h / b, h], [h / b + GAP, y, h / c, h]];
    (boxes, y + h + CAPTION)
}

/// The layout for the largest width at which it is no higher than `height`, in the middle of `width`.
fn shrink(layout: impl Fn(f64) -> Layout, width: f64, height: f64) -> Layout {
    let (mut low, mut high) = (width / 20.0, width);
    let fits = |w: f64| layout(w).1 <= height;
    if !fits(width) {
        for _ in 0..30 {
            let middle = (low + high) / 2.0;
            if fits(middle) { low = middle } else { high = middle }
        }
    } else {
        low = width;
    }
    let (mut boxes, h) = layout(low);
    for b in &mut boxes {
        b[0] += (width - low) / 2.0;
    }
    (boxes, h)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_keep_their_shape_and_do_not_overlap() {
        for ratios in
            [[1.0, 0.73, 0.73], [1.18, 0.96, 0.81], [1.0, 0.05, 0.05], [1.0, 3.5, 3.5], [0.5, 4.0, 2.0], [9.0, 9.0, 0.1]]
        {
            let (boxes, height) = arrange(&ratios, 660.0, 520.0);
            assert!(height <= 520.5, "{ratios:?}: {height}");
            for (i, a) in boxes.iter().enumerate() {
                assert!((a[3] / a[2] - ratios[i]).abs() < 1e-6, "{ratios:?}");
                assert!(a[0] > -0.01 && a[0] + a[2] < 660.01 && a[1] + a[3] + CAPTION < height + 0.01, "{ratios:?} {a:?}");
                for b in &boxes[..i] {
                    let apart = a[0] >= b[0] + b[2] || b[0] >= a[0] + a[2] || a[1] >= b[1] + b[3] || b[1] >= a[1] + a[3];
                    assert!(apart, "{ratios:?}: {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn a_chest_ct_has_the_axial_slice_large() {
        let (boxes, _) = arrange(&[1.0, 0.73, 0.73], 660.0, 520.0);
        assert!(boxes[0][2] > 1.4 * boxes[1][2]);
        assert!((boxes[0][3] - (boxes[2][1] + boxes[2][3])).abs() < 0.01, "both sides end level");
    }

    #[test]
    fn one_picture_stands_in_the_middle() {
        let (boxes, _) = arrange(&[2.0], 600.0, 420.0);
        assert!((boxes[0][0] - 200.0).abs() < 0.1 && (boxes[0][2] - 200.0).abs() < 0.1, "{boxes:?}");
    }
}
