//! Sizes and lengths along axes, as they are typed.

use hounsfield::pipelines::LeastSize;

/// Two or three numbers with an x between them, or one for all axes.
#[derive(Debug, Clone, PartialEq)]
pub struct PerAxis(pub Vec<f64>);

impl PerAxis {
    /// One for each axis of space; a single number is for all, and a missing third one for none.
    pub fn each(&self) -> [Option<f64>; 3] {
        match self.0.as_slice() {
            [all] => [Some(*all); 3],
            some => [0, 1, 2].map(|axis| some.get(axis).copied()),
        }
    }
}

/// A, AxB or AxBxC.
pub fn along(text: &str) -> Result<PerAxis, String> {
    let all: Option<Vec<f64>> = text.split('x').map(|t| t.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect();
    match all {
        Some(all) if (1..=3).contains(&all.len()) => Ok(PerAxis(all)),
        _ => Err("give a number, or two or three with an x between them: 1.5 or 1x1x2.5".into()),
    }
}

/// How many voxels along each axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoxelCounts(pub Vec<u64>);

/// AxB or AxBxC voxels.
pub fn counts(text: &str) -> Result<VoxelCounts, String> {
    let all: Option<Vec<u64>> = text.split('x').map(|t| t.trim().parse().ok()).collect();
    match all {
        Some(all) if (1..=3).contains(&all.len()) => Ok(VoxelCounts(all)),
        _ => Err("give whole numbers of voxels: 256x256 or 256x256x120".into()),
    }
}

/// A length along each axis, in voxels or in millimetres.
#[derive(Debug, Clone, PartialEq)]
pub struct Margin {
    pub along: PerAxis,
    pub in_mm: bool,
}

/// A, AxB or AxBxC voxels, or as many mm; none below 0.
pub fn margin(text: &str) -> Result<Margin, String> {
    let (number, in_mm) = text.trim().strip_suffix("mm").map_or((text, false), |t| (t, true));
    let along = along(number)?;
    if along.0.iter().any(|v| *v < 0.0 || (!in_mm && v.fract() != 0.0)) {
        return Err("give whole voxels or millimetres, none below 0: 5, 5x5x2 or 10mm".into());
    }
    Ok(Margin { along, in_mm })
}

/// From where to where along each axis, in voxels or in millimetres.
#[derive(Debug, Clone, PartialEq)]
pub struct Extents {
    /// None for all of an axis.
    pub along: [Option<(f64, f64)>; 3],
    pub in_mm: bool,
}

/// X0:X1,Y0:Y1,Z0:Z1 voxels, or as many mm; an axis may be left empty.
pub fn extents(text: &str) -> Result<Extents, String> {
    let bad = || {
        "give a first and a larger end for each axis: 10:60,0:128,5:20, or -40:60,-80:20,100:180mm; leave an axis empty for all of it".to_owned()
    };
    let (numbers, in_mm) = text.trim().strip_suffix("mm").map_or((text, false), |t| (t, true));
    let mut along = [None; 3];
    let parts: Vec<&str> = numbers.split(',').map(str::trim).collect();
    if parts.len() > 3 {
        return Err(bad());
    }
    for (own, part) in along.iter_mut().zip(parts) {
        if part.is_empty() {
            continue;
        }
        let (low, high) = part.split_once(':').ok_or_else(bad)?;
        let number =
            |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.is_finite() && (in_mm || v.fract() == 0.0)).ok_or_else(bad);
        *own = Some((number(low)?, number(high)?)).filter(|(low, high)| low < high);
        own.ok_or_else(bad)?;
    }
    Ok(Extents { along, in_mm })
}

/// A place in voxels from 0, or in mm of the patient (LPS+).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub at: [f64; 3],
    pub in_mm: bool,
}

/// X,Y,Z voxels or X,Y of a single slice, or X,Y,Zmm.
pub fn point(text: &str) -> Result<Point, String> {
    let bad = || "give a place in voxels from 0 or in mm (LPS+): 120,96,7 or -12.5,40,103mm".to_owned();
    let (numbers, in_mm) = text.trim().strip_suffix("mm").map_or((text, false), |t| (t, true));
    let numbers: Vec<f64> = numbers.split(',').map(|t| t.trim().parse().map_err(|_| bad())).collect::<Result<_, _>>()?;
    let at = match (numbers.as_slice(), in_mm) {
        (&[x, y], false) => [x, y, 0.0],
        (&[x, y, z], _) => [x, y, z],
        _ => return Err(bad()),
    };
    let good = at.iter().all(|v| v.is_finite() && (in_mm || v.fract() == 0.0));
    if good { Ok(Point { at, in_mm }) } else { Err(bad()) }
}

/// A ball in the patient (LPS+).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ball {
    pub centre_mm: [f64; 3],
    pub radius_mm: f64,
}

/// X,Y,Z:R, all in mm.
pub fn ball(text: &str) -> Result<Ball, String> {
    let bad = || "give centre and radius in mm (LPS+): -12.5,40,103:35mm".to_owned();
    let text = text.trim();
    let (centre, radius) = text.strip_suffix("mm").unwrap_or(text).split_once(':').ok_or_else(bad)?;
    let centre = point(&format!("{centre}mm")).map_err(|_| bad())?;
    let radius_mm: f64 = radius.trim().parse().map_err(|_| bad())?;
    if !(radius_mm.is_finite() && radius_mm > 0.0) {
        return Err(bad());
    }
    Ok(Ball { centre_mm: centre.at, radius_mm })
}

/// The least size of a component: a number with its unit.
pub fn least(text: &str) -> Result<LeastSize, String> {
    let bad = || "give a size with its unit, 0 or more: 0.5mL, 30mm3, 100vox, or in a single slice 12mm2".to_owned();
    let text = text.trim();
    let end = text.find(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E')).ok_or_else(bad)?;
    let (number, unit) = text.split_at(end);
    let size: f64 = number.trim().parse().map_err(|_| bad())?;
    if !(size.is_finite() && size >= 0.0) {
        return Err(bad());
    }
    match unit.to_ascii_lowercase().as_str() {
        "ml" => Ok(LeastSize::CubicMm(1000.0 * size)),
        "mm3" => Ok(LeastSize::CubicMm(size)),
        "mm2" => Ok(LeastSize::SquareMm(size)),
        "vox" | "voxels" if size.fract() == 0.0 => Ok(LeastSize::Voxels(size as u64)),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_voxels_or_mm() {
        assert_eq!(point("3, 4,5"), Ok(Point { at: [3.0, 4.0, 5.0], in_mm: false }));
        assert_eq!(point("3,4").unwrap().at, [3.0, 4.0, 0.0]);
        assert_eq!(point("-1.5,4,5e1 mm"), Ok(Point { at: [-1.5, 4.0, 50.0], in_mm: true }));
        assert_eq!(ball("-1,2,3:4.5mm"), Ok(Ball { centre_mm: [-1.0, 2.0, 3.0], radius_mm: 4.5 }));
        for text in ["1.5,2,3", "1,2mm", "1", "1,2,3,4", "a,b,c", "nan,1,1mm"] {
            assert!(point(text).is_err(), "{text}");
        }
        for text in ["1,2,3", "1,2,3:0", "1,2:3", "1,2,3:-4mm"] {
            assert!(ball(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_as_they_are_typed() {
        assert_eq!(along("1").unwrap().each(), [Some(1.0); 3]);
        assert_eq!(along("1x2.5").unwrap().each(), [Some(1.0), Some(2.5), None]);
        assert_eq!(counts("4x5x6").unwrap().0, [4, 5, 6]);
        assert!(margin("2.5mm").unwrap().in_mm && margin("2x2x1").unwrap().along.0 == [2.0, 2.0, 1.0]);
        let cut = extents("1:4,,-2:3mm").unwrap();
        assert_eq!((cut.along, cut.in_mm), ([Some((1.0, 4.0)), None, Some((-2.0, 3.0))], true));
        assert_eq!((least("0.5mL"), least("100vox")), (Ok(LeastSize::CubicMm(500.0)), Ok(LeastSize::Voxels(100))));
        assert_eq!((least(" 3 mm3"), least("1e2mm2")), (Ok(LeastSize::CubicMm(3.0)), Ok(LeastSize::SquareMm(100.0))));
        for text in ["", "5", "mL", "-1mL", "1.5vox", "2cm", "nanmL", "infmL"] {
            assert!(least(text).is_err(), "{text}");
        }
        for text in ["", "x", "1x", "1x2x3x4", "nan", "1,2"] {
            assert!(along(text).is_err() && counts(text).is_err() && margin(text).is_err(), "{text}");
        }
        assert!(margin("-1").is_err() && margin("1.5").is_err() && counts("1.5").is_err() && counts("-3").is_err());
        for text in ["1", "4:1", "1:1", "0.5:2", "1:2,3:4,5:6,7:8", "a:b"] {
            assert!(extents(text).is_err(), "{text}");
        }
    }
}
