//! The sizes of the axes, with what programs do to them where the header has no room.

use std::path::Path;

use super::fields::Fields;
use crate::volume::Shape;
use crate::{Error, Result};

/// FreeSurfer's shape of a surface of 163,842 points (ico7), one axis of which NIfTI-1 cannot hold.
const ICO7: [i64; 3] = [27_307, 1, 6];

/// The shape, axes of 1 beyond the third dropped.
pub(super) fn shape(path: &Path, fields: &Fields, notes: &mut Vec<String>) -> Result<Shape> {
    let broken = |what: String| Error::format(path, what, "the header is damaged; get the file again");
    let n = fields.dim[0];
    let Some(axes) = usize::try_from(n).ok().filter(|n| (1..=7).contains(n)).map(|n| &fields.dim[1..=n]) else {
        return Err(broken(format!("{n} axes, a NIfTI file has 1 to 7")));
    };
    let mut axes = axes.to_vec();
    surface(&mut axes, fields.glmin, notes);
    let mut sizes = Vec::with_capacity(7);
    for (i, &n) in axes.iter().enumerate() {
        match u64::try_from(n) {
            Ok(n) if n > 0 => sizes.push(n),
            // As nifti_clib and ITK have it, for all but the first.
            Ok(_) if i > 0 => {
                notes.push(format!("axis {} has size 0: taken as 1", i + 1));
                sizes.push(1);
            }
            _ => return Err(broken(format!("axis {} has size {n}", i + 1))),
        }
    }
    while sizes.len() > 3 && sizes.last() == Some(&1) {
        sizes.pop();
    }
    let shape = Shape::new(&sizes).ok_or_else(|| broken("more than 2^62 voxels".into()))?;
    if sizes.len() > 4 {
        let intent = match fields.intent {
            0 => String::new(),
            // A code of the standard: 1005 symmetric matrix, 1006 displacement, 1007 vector, 2003 RGB.
            code => format!(" (intent {code})"),
        };
        let beyond = sizes[4..].iter().map(u64::to_string).collect::<Vec<_>>().join(" x ");
        let volumes = shape.volumes();
        notes.push(format!("the axes beyond the fourth ({beyond}){intent} are read as further volumes: {volumes} in all"));
    }
    Ok(shape)
}

/// FreeSurfer's two ways around axes that are too long for NIfTI-1.
fn surface(axes: &mut [i64], glmin: i64, notes: &mut Vec<String>) {
    let Some(space) = axes.get_mut(..3) else { return };
    if *space == [-1, 1, 1] && glmin > 0 {
        notes.push(format!("an axis that is too long for NIfTI-1, as FreeSurfer writes it: {glmin} values"));
        space[0] = glmin;
    } else if *space == ICO7 {
        let points: i64 = ICO7.iter().product();
        notes.push(format!("FreeSurfer's shape of a surface: {points} values"));
        space.copy_from_slice(&[points, 1, 1]);
    }
}
