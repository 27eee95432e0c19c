//! Grids worked by hand; other tools are asked in `tests/oracles/check_resample.py`.

use super::*;
use crate::volume::{Dtype, Rescale};

/// An oblique grid with a spacing of its own along each axis.
fn grid(axes: &[u64]) -> Grid {
    let (s, c) = (0.3f64.sin(), 0.3f64.cos());
    let matrix = [[0.7 * c, -0.9 * s, 0.0, -11.0], [0.7 * s, 0.9 * c, 0.0, 20.0], [0.0, 0.0, 2.5, 5.0]];
    Grid { geometry: Geometry::from_lps_matrix(matrix), ..Grid::new(Shape::new(axes).unwrap()) }
}

/// Where the grids say that a voxel lies and where it lies in the source is one place.
#[track_caller]
fn consistent(placed: &Placement, source: &Grid) {
    let (own, other) = (Affine::of_grid(&placed.grid).unwrap(), Affine::of_grid(source).unwrap());
    for voxel in [[0.0; 3], [3.0, 1.0, 2.0], [10.0, -4.0, 7.5]] {
        let (a, b) = (own.apply(voxel), other.apply(placed.to_source.apply(voxel)));
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9), "{voxel:?}: {a:?} {b:?}");
    }
}

#[test]
fn fields_of_view_share_their_centre_and_are_covered() {
    let source = grid(&[10, 9, 4, 3]);
    let placed = Placement::spaced(&source, [1.0, 0.9, 1.0], Align::Center).unwrap();
    assert_eq!(placed.grid.shape.axes(), [7, 9, 10, 3]);
    consistent(&placed, &source);
    assert_eq!(placed.to_source.apply([3.0, 4.0, 4.5]), [4.5, 4.0, 1.5]);
    let first = Placement::spaced(&source, [1.4, 0.9, 2.5], Align::First).unwrap();
    assert_eq!((first.to_source.apply([0.0; 3]), first.grid.shape.xyz()), ([0.0; 3], [5, 9, 4]));
    consistent(&first, &source);
    // What float32 makes of 0.7 takes no voxel more.
    let mut rounded = source.clone();
    rounded.geometry.as_mut().unwrap().spacing_mm[0] = f64::from(0.7f32) * 1.000_000_1;
    assert_eq!(Placement::spaced(&rounded, [0.7, 0.9, 2.5], Align::Center).unwrap().grid.shape.xyz(), [10, 9, 4]);
    let sized = Placement::sized(&source, [20, 9, 2], Align::Center).unwrap();
    let spacing = sized.grid.geometry.as_ref().unwrap().spacing_mm;
    assert!(spacing.iter().zip([0.35, 0.9, 5.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{spacing:?}");
    consistent(&sized, &source);
}

#[test]
fn boxes_and_orientations_only_move() {
    let source = grid(&[10, 9, 4]);
    let placed = Placement::boxed(&source, &[2..12, -1..3, 0..4]).unwrap();
    assert_eq!(placed.grid.shape.xyz(), [10, 4, 4]);
    consistent(&placed, &source);
    for (code, shape) in [("LPS", [10, 9, 4]), ("RAS", [10, 9, 4]), ("SLA", [4, 10, 9]), ("pir", [9, 4, 10])] {
        let placed = Placement::reoriented(&source, code).unwrap();
        assert_eq!(placed.grid.shape.xyz(), shape, "{code}");
        let position = placed.grid.geometry.as_ref().unwrap().position.as_ref().unwrap();
        assert_eq!(position.orientation_code(), code.to_ascii_uppercase());
        consistent(&placed, &source);
    }
    for code in ["", "RA", "RAR", "RAX", "RASL", "LRS"] {
        assert!(Placement::reoriented(&source, code).is_err(), "{code}");
    }
}

#[test]
fn images_keep_their_axes() {
    let image = Grid { geometry: Some(Geometry::spacing([0.5, 0.5, 1.0])), ..Grid::new(Shape::new(&[8, 6]).unwrap()) };
    let placed = Placement::spaced(&image, [1.0, 1.0, 1.0], Align::Center).unwrap();
    assert_eq!(placed.grid.shape.axes(), [4, 3]);
    assert_eq!(placed.grid.geometry.unwrap(), Geometry::spacing([1.0; 3]));
    let line = Grid::new(Shape::new(&[8]).unwrap());
    assert_eq!(Placement::sized(&line, [4, 1, 1], Align::Center).unwrap().grid.shape.axes(), [4]);
}

#[test]
fn what_cannot_be_placed_says_why() {
    let source = grid(&[10, 9, 4]);
    let refused = |placed: Result<Placement>, text: &str| {
        let error = placed.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    for spacing in [[0.0, 1.0, 1.0], [-1.0; 3], [f64::NAN; 3]] {
        refused(Placement::spaced(&source, spacing, Align::Center), "above 0");
    }
    refused(Placement::spaced(&source, [1e-9; 3], Align::Center), "no more than any computer holds");
    let bare = Grid::new(Shape::new(&[10, 9, 4]).unwrap());
    refused(Placement::spaced(&bare, [1.0; 3], Align::Center), "spacing is not known");
    refused(Placement::sized(&source, [0, 1, 1], Align::Center), "at least one voxel");
    refused(Placement::like(&bare, &source, None), "the image does not say where");
    refused(Placement::like(&source, &bare, None), "the reference does not say where");
    refused(Placement::like(&source, &grid(&[4, 4, 4, 2]), None), "which is 2 volumes");
    refused(Placement::reoriented(&bare, "RAS"), "how it lies in the patient");
    let flat = Affine([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
    refused(Placement::like(&source, &source, Some(&flat)), "singular");
    let mut away = source.clone();
    away.geometry.as_mut().unwrap().position.as_mut().unwrap().origin_mm[2] = 16.3;
    refused(Placement::like(&source, &away, None), "does not touch the image: 10 x 9 x 4 at");
    refused(Placement::boxed(&source, &[2..2, 0..1, 0..1]), "holds no voxel");
    refused(Placement::boxed(&source, &[10..12, 0..1, 0..1]), "beside the image");
}

#[test]
fn a_reference_is_the_target_and_a_transform_goes_from_it_to_the_source() {
    let source = grid(&[10, 9, 4, 2]);
    let mut reference = grid(&[5, 5, 5]);
    reference.geometry.as_mut().unwrap().spacing_mm = [1.4, 1.8, 1.25];
    let placed = Placement::like(&source, &reference, None).unwrap();
    assert_eq!((placed.grid.shape.axes(), &placed.grid.geometry), (&[5, 5, 5, 2][..], &reference.geometry));
    consistent(&placed, &source);
    let there = Affine::scaled([1.0; 3], [0.0, 0.0, 2.5]);
    let moved = Placement::like(&source, &reference, Some(&there)).unwrap();
    assert!((moved.to_source.apply([0.0; 3])[2] - 1.0).abs() < 1e-12);
    let again = placed.transformed(&source, &there).unwrap();
    assert_eq!(again, moved);
}

#[test]
fn slices_keep_their_rescale_where_they_are_taken_one_by_one() {
    let rescale = |i: u64| Rescale { slope: 1.0 + i as f64, intercept: 0.0 };
    let header = Header::new(Shape::new(&[2, 2, 3, 2]).unwrap(), Dtype::I16)
        .with(|h| h.meaning.rescale = Rescales::PerSlice((0..6).map(rescale).collect()));
    let cut = |z: Range<i64>| Placement::boxed(&header.grid, &[0..1, 0..2, z]).unwrap().header(&header);
    assert_eq!(cut(1..3).unwrap().meaning.rescale, Rescales::PerSlice([1, 2, 4, 5].map(rescale).to_vec()));
    assert!(cut(1..4).is_err() && Placement::sized(&header.grid, [2, 2, 2], Align::Center).unwrap().header(&header).is_err());
}
