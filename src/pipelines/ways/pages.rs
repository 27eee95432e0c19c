//! Memory for whole volumes.

/// Zeroed memory, in huge pages where the system grants them on request: touching new memory page by page takes five times as long
/// as the remap that writes it.
pub fn zeroed(bytes: usize) -> Vec<u8> {
    // The allocator takes this much straight from the system, which hands it out untouched: nothing is written here.
    let mut memory = vec![0; bytes];
    ask_for_huge_pages(&mut memory);
    memory
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages(_: &mut [u8]) {}

#[cfg(target_os = "linux")]
fn ask_for_huge_pages(memory: &mut [u8]) {
    use rustix::mm::{Advice, madvise};
    const HUGE: usize = 2 << 20;
    let skipped = memory.as_ptr().align_offset(HUGE);
    let Some(whole) = memory.get_mut(skipped..).map(|m| m.len() / HUGE * HUGE).filter(|n| *n > 0) else { return };
    // SAFETY: the range lies within memory that is ours alone, and this advice changes how pages are backed, never what they hold.
    // A kernel that does not know it says so, and nothing is lost.
    let _ = unsafe { madvise(memory[skipped..].as_mut_ptr().cast(), whole, Advice::LinuxHugepage) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_zero_and_writable_at_any_size() {
        for bytes in [0, 1, 4097, (2 << 20) - 1, 2 << 20, (4 << 20) + 1, (9 << 20) + 12_345] {
            let mut memory = zeroed(bytes);
            assert_eq!(memory.len(), bytes);
            assert!(memory.iter().all(|b| *b == 0), "{bytes}");
            memory.fill(7);
            memory.push(8);
            assert!(memory[..bytes].iter().all(|b| *b == 7) && memory[bytes] == 8, "{bytes}");
        }
    }
}
