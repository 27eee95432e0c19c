use super::*;
use crate::ops::testing::{assert_same, gpu, noise};

#[test]
fn four_counts_by_hand() {
    assert_eq!(cpu(&[3, 0, 4, 1]), [3, 3, 7, 8]);
    assert_eq!(cpu(&[]), [0u64; 0]);
}

#[test]
fn gpu_and_cpu_sum_alike() {
    let Some(gpu) = gpu() else { return };
    for count in [1usize, 2, 3, 4, 5, 255, 256, 257, 1023, 1024, 1025, 4099, 65_535, 65_536] {
        // Below 2¹⁶ each, so that 65,536 of them stay below 2³².
        let counts: Vec<u32> = (0..count).map(|i| noise(i as u64) as u32 & 0xffff).collect();
        let want: Vec<u32> = cpu(&counts.iter().map(|c| u64::from(*c)).collect::<Vec<_>>()).iter().map(|c| *c as u32).collect();
        assert_same(&format!("{count} counts"), &run(gpu, &counts).unwrap(), &want);
    }
    assert!(run(gpu, &vec![0; 65_537]).is_err());
}
