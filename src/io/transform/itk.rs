//! ITK's text files of transforms: a kind, its parameters, and what it turns about.

use std::path::Path;

use super::text::number;
use crate::volume::Affine;
use crate::{Error, Result};

/// One transform of a file.
struct ItkEntry<'a> {
    kind: &'a str,
    parameters: Vec<f64>,
    fixed: Vec<f64>,
}

/// The map of all transforms of a file; of several, the last is applied first, as ITK does.
pub(super) fn read(path: &Path, text: &str) -> Result<Affine> {
    let mut entries: Vec<ItkEntry<'_>> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((key, rest)) = line.split_once(':') else {
            return Err(Error::format(path, "a line that is no transform's", "check the file"));
        };
        let numbers = || rest.split_whitespace().map(|word| number(path, word)).collect::<Result<Vec<f64>>>();
        match (key, entries.last_mut()) {
            ("Transform", _) => entries.push(ItkEntry { kind: rest.trim(), parameters: Vec::new(), fixed: Vec::new() }),
            ("Parameters", Some(entry)) => entry.parameters = numbers()?,
            ("FixedParameters", Some(entry)) => entry.fixed = numbers()?,
            // What later versions say besides.
            _ => {}
        }
    }
    let mut all: Option<Affine> = None;
    for entry in entries.iter().filter(|entry| !entry.kind.starts_with("CompositeTransform")) {
        let own = entry.map(path)?;
        all = Some(all.map_or(own, |before| before.after(&own)));
    }
    let all = all.ok_or_else(|| Error::format(path, "no transform in the file", "check it"))?;
    let flat = || Error::format(path, "a singular transform: it maps space onto a plane, a line or a point", "check its numbers");
    all.inverse().ok_or_else(flat)?;
    Ok(all)
}

impl ItkEntry<'_> {
    fn map(&self, path: &Path) -> Result<Affine> {
        let (name, dimensions) = self.kind.split_once('_').unwrap_or((self.kind, ""));
        if dimensions.contains("_2_2") {
            return Err(Error::unsupported(
                path,
                "a transform of two dimensions",
                "write it in three, with the third axis as it is",
            ));
        }
        let centre = || self.fixed.get(..3).map_or([0.0; 3], |c| [c[0], c[1], c[2]]);
        // So many parameters of this kind.
        let taken = |count: usize| {
            let what = || format!("{} parameters of a transform that takes {count}", self.parameters.len());
            self.parameters
                .get(..count)
                .filter(|_| self.parameters.len() == count)
                .ok_or_else(|| Error::format(path, what(), "check the file"))
        };
        Ok(match name {
            "IdentityTransform" => Affine::IDENTITY,
            "TranslationTransform" => {
                let p = taken(3)?;
                Affine::scaled([1.0; 3], [p[0], p[1], p[2]])
            }
            "AffineTransform" | "MatrixOffsetTransformBase" => {
                let p = taken(12)?;
                about([[p[0], p[1], p[2]], [p[3], p[4], p[5]], [p[6], p[7], p[8]]], centre(), [p[9], p[10], p[11]])
            }
            "Euler3DTransform" | "CenteredEuler3DTransform" => {
                let p = taken(6)?;
                let zyx = self.fixed.get(3).is_some_and(|flag| *flag != 0.0);
                about(euler([p[0], p[1], p[2]], zyx), centre(), [p[3], p[4], p[5]])
            }
            "VersorRigid3DTransform" => {
                let p = taken(6)?;
                about(versor([p[0], p[1], p[2]], 1.0), centre(), [p[3], p[4], p[5]])
            }
            "Similarity3DTransform" => {
                let p = taken(7)?;
                about(versor([p[0], p[1], p[2]], p[6]), centre(), [p[3], p[4], p[5]])
            }
            _ => {
                let hint = "give an affine map: AffineTransform, MatrixOffsetTransformBase, Euler3DTransform, VersorRigid3DTransform, Similarity3DTransform or TranslationTransform";
                return Err(Error::unsupported(path, "a kind of transform that is not affine, or not known", hint));
            }
        })
    }
}

type Matrix = [[f64; 3]; 3];

/// x goes to M (x - c) + c + t.
fn about(m: Matrix, c: [f64; 3], t: [f64; 3]) -> Affine {
    Affine(std::array::from_fn(|r| {
        let [x, y, z] = m[r];
        [x, y, z, c[r] + t[r] - (x * c[0] + y * c[1] + z * c[2])]
    }))
}

fn product(a: Matrix, b: Matrix) -> Matrix {
    std::array::from_fn(|r| std::array::from_fn(|c| (0..3).map(|k| a[r][k] * b[k][c]).sum()))
}

/// About x, y and z: first y, then x, then z; with the flag first x, then y, then z.
fn euler(angles: [f64; 3], zyx: bool) -> Matrix {
    let [[sx, cx], [sy, cy], [sz, cz]] = angles.map(|a| [libm::sin(a), libm::cos(a)]);
    let x = [[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]];
    let y = [[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]];
    let z = [[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]];
    if zyx { product(z, product(y, x)) } else { product(z, product(x, y)) }
}

/// The vector part of a unit quaternion whose real part is not negative, and a scale.
fn versor([x, y, z]: [f64; 3], scale: f64) -> Matrix {
    let w = (1.0 - (x * x + y * y + z * z)).max(0.0).sqrt();
    [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
        [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
        [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
    ]
    .map(|row| row.map(|v| v * scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(body: &str) -> Result<Affine> {
        read(Path::new("a.tfm"), &format!("#Insight Transform File V1.0\n{body}"))
    }

    #[test]
    fn a_matrix_turns_about_its_centre() {
        let text = "#Transform 0\nTransform: MatrixOffsetTransformBase_double_3_3\nParameters: 2 0 0 0 1 0 0 0 1 5 6 7\nFixedParameters: 10 0 0\n";
        assert_eq!(map(text).unwrap().apply([10.0, 1.0, 1.0]), [15.0, 7.0, 8.0]);
        let twice =
            format!("{text}#Transform 1\nTransform: TranslationTransform_double_3_3\nParameters: 1 0 0\nFixedParameters: \n");
        assert_eq!(map(&twice).unwrap().apply([9.0, 1.0, 1.0]), [15.0, 7.0, 8.0], "the last is applied first");
    }

    #[test]
    fn what_is_no_affine_map_is_refused() {
        for (text, words) in [
            ("Transform: BSplineTransform_double_3_3\nParameters: 1\n", "not affine"),
            ("Transform: AffineTransform_double_2_2\nParameters: 1 0 0 1 0 0\n", "two dimensions"),
            ("Transform: AffineTransform_double_3_3\nParameters: 1 0 0 1 0 0\n", "6 parameters"),
            ("Transform: AffineTransform_double_3_3\nParameters: 1 0 0 1 0 0 0 0 1 0 0 0\n", "singular"),
            ("Transform: AffineTransform_double_3_3\nParameters: 1 0 x\n", "no number"),
            ("what\n", "no transform's"),
            ("", "no transform in the file"),
        ] {
            let error = map(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
