//! Planes on one thread of the CPU.

use super::{PlaneSection, Ray};
use crate::volume::Block;

/// The plane of a whole volume in memory.
///
/// # Panics
/// If the section is none of this volume.
pub fn cpu(volume: Block<'_>, section: &PlaneSection) -> Vec<f32> {
    let Some(walk) = section.walk() else { panic!("{section:?} is no section") };
    assert_eq!(volume.len() as u64, section.shape.iter().product::<u64>(), "a volume of another shape");
    let size = volume.dtype.bytes();
    let value = |at: u32| volume.dtype.decode(&volume.bytes[at as usize * size..][..size]) as f32;
    let pixel = |i: u32| {
        let (u, v) = ((i % walk.size[0]) as i32, (i / walk.size[0]) as i32);
        let start = walk.origin.wrapping_add(u.wrapping_mul(walk.right).wrapping_add(v.wrapping_mul(walk.down)) as u32);
        let ray = (0..walk.steps).map(|k| value(start + k * walk.along));
        if ray.clone().any(f32::is_nan) {
            return f32::NAN;
        }
        match section.ray {
            Ray::Greatest => ray.reduce(|a, b| if b > a { b } else { a }).unwrap_or(f32::NAN),
            Ray::Least => ray.reduce(|a, b| if b <= a { b } else { a }).unwrap_or(f32::NAN),
            Ray::Mean if volume.dtype.is_integer() => {
                let sum: i64 = ray.map(|x| x as i64).sum();
                let steps = i64::from(walk.steps);
                (2 * sum + steps).div_euclid(2 * steps) as f32
            }
            Ray::Mean => ray.sum::<f32>() / walk.steps as f32,
        }
    };
    (0..walk.size[0] * walk.size[1]).map(pixel).collect()
}
