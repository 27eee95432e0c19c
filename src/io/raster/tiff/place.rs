//! How large a pixel is, as far as the file can be believed.

use super::described::Described;
use super::directory::Directory;
use super::tags;
use crate::io::length::positive;
use crate::volume::Geometry;

/// Pixels to an inch that programs write who do not know better.
const USUAL: [f64; 3] = [72.0, 96.0, 300.0];

/// Spacing of the voxels of a volume of so many slices, and what was assumed or left out.
pub(super) fn geometry(directory: &Directory<'_>, described: &Described, slices: u64) -> (Option<Geometry>, Option<String>) {
    let (plane, said) = match described.spacing_mm {
        [Some(x), Some(y), _] => (Some([x, y]), None),
        _ => pixel_size(directory),
    };
    match (plane, described.spacing_mm[2]) {
        (None, _) => (None, said),
        (Some([x, y]), Some(z)) => (Some(Geometry::spacing([x, y, z])), said),
        (Some([x, y]), None) if slices == 1 => (Some(Geometry::spacing([x, y, 1.0])), said),
        (Some([x, y]), None) => (None, Some(format!("pixels of {x} x {y} mm, but no distance of slices: no spacing is taken"))),
    }
}

/// Millimetres per pixel of a page that no description explains. Only where the file speaks of centimetres: resolutions in inches are those of prints and
/// screens, "72 per inch" is what programs write that do not know.
fn pixel_size(directory: &Directory<'_>) -> (Option<[f64; 2]>, Option<String>) {
    const INCH: u64 = 2;
    const CENTIMETRE: u64 = 3;
    let unit = directory.number(tags::RESOLUTION_UNIT).ok().flatten().unwrap_or(INCH);
    let (Some([x, per_x]), Some([y, per_y])) = (directory.fraction(tags::X_RESOLUTION), directory.fraction(tags::Y_RESOLUTION))
    else {
        return (None, None);
    };
    let across = x / per_x;
    let print = |per_inch: f64| {
        let text = format!(
            "a resolution of {} per inch is taken for that of a print or screen, not for the size of pixels",
            per_inch.round()
        );
        (None, Some(text))
    };
    match unit {
        CENTIMETRE if USUAL.iter().any(|usual| (across * 2.54 / usual - 1.0).abs() < 2e-3) => print(across * 2.54),
        CENTIMETRE => (positive(per_x / x, 10.0).zip(positive(per_y / y, 10.0)).map(|(x, y)| [x, y]), None),
        // One to an inch is what stands there where nothing is known.
        INCH if across > 1.0 => print(across),
        _ => (None, None),
    }
}
