//! By hand as numpy.pad says, and GPU = CPU.

use super::case::on_device;
use super::*;
use crate::ops::testing::gpu;
use crate::volume::Dtype;

const RULES: [Border; 4] = [Border::Nearest, Border::Reflect, Border::Mirror, Border::Constant(9)];

fn row(voxels: &[u8], margins: [usize; 2], border: Border) -> Vec<u8> {
    let mut out = vec![0xff; voxels.len() + margins[0] + margins[1]];
    cpu(Dtype::U8, voxels, [voxels.len(), 1, 1], [margins, [0; 2], [0; 2]], border, &mut out);
    out
}

#[test]
fn rows_by_hand() {
    let of = |border| row(&[1, 2, 3], [4, 5], border);
    assert_eq!(of(Border::Nearest), [1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3]);
    assert_eq!(of(Border::Reflect), [3, 3, 2, 1, 1, 2, 3, 3, 2, 1, 1, 2]);
    assert_eq!(of(Border::Mirror), [1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2]);
    assert_eq!(of(Border::Constant(9)), [9, 9, 9, 9, 1, 2, 3, 9, 9, 9, 9, 9]);
    for border in RULES {
        let outside = if matches!(border, Border::Constant(_)) { 9 } else { 7 };
        assert_eq!(row(&[7], [3, 2], border), [outside, outside, outside, 7, outside, outside], "{border:?}");
    }
}

#[test]
fn axes_are_extended_one_by_one() {
    let tile: Vec<u8> = (0..24).collect();
    let (shape, margins) = ([4, 3, 2], [[2, 1], [0, 4], [3, 1]]);
    for border in RULES {
        let mut out = vec![0xff; 7 * 7 * 6];
        cpu(Dtype::U8, &tile, shape, margins, border, &mut out);
        for (i, got) in out.iter().enumerate() {
            let at = [i % 7, i / 7 % 7, i / 49];
            let place = |a: usize| border.place(at[a] as isize - margins[a][0] as isize, shape[a]);
            let want = match (place(0), place(1), place(2)) {
                (Some(x), Some(y), Some(z)) => tile[(z * 3 + y) * 4 + x],
                _ => 9,
            };
            assert_eq!(*got, want, "{border:?} {at:?}");
        }
    }
}

#[test]
fn cpu_and_gpu_give_the_same_bits() {
    let Some(gpu) = gpu() else { return };
    for dtype in [Dtype::U8, Dtype::I16, Dtype::F32, Dtype::I32] {
        for shape in [[1, 1, 1], [7, 1, 3], [33, 5, 2], [64, 9, 4]] {
            for margins in [[[0; 2]; 3], [[1, 1]; 3], [[5, 0], [0, 11], [2, 3]]] {
                for border in [Border::Nearest, Border::Reflect, Border::Mirror, Border::Constant(0x8001)] {
                    let border =
                        if dtype == Dtype::U8 && border == Border::Constant(0x8001) { Border::Constant(3) } else { border };
                    on_device(gpu, dtype, shape, margins, border)
                        .unwrap()
                        .unwrap_or_else(|e| panic!("{dtype} {shape:?} {border:?}: {e}"));
                }
            }
        }
    }
}
