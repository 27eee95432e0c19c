//! Starts the disk early: a system that gathers hundreds of mebibytes before it writes any leaves the whole wait to the last flush.
//! Files that are large take no lasting part of the system's cache either: what has reached the disk is let go, so that neither the
//! user's other files are pushed out nor new memory is asked for again and again.

use std::fs::File;
use std::io::Result;

/// Files of more bytes than this do not stay in the system's cache; smaller ones are there for whoever opens them next.
const LARGE: u64 = 1 << 30;

/// How far behind the newest block a block is waited for and let go: long enough for the disk to have it by then.
const BEHIND: u64 = 64 << 20;

/// Called after every block of a `file` of `total` bytes: these are written. Tells the system to begin with them now. Errors are
/// those of earlier writes, which no later flush would tell again. Other systems than Linux begin when they like.
#[cfg(target_os = "linux")]
pub(super) fn wrote(file: &File, at: u64, bytes: u64, total: u64) -> Result<()> {
    sync(file, at, bytes, libc::SYNC_FILE_RANGE_WRITE)?;
    if let (true, Some(at)) = (total > LARGE, at.checked_sub(BEHIND)) {
        let arrived = libc::SYNC_FILE_RANGE_WAIT_BEFORE | libc::SYNC_FILE_RANGE_WRITE | libc::SYNC_FILE_RANGE_WAIT_AFTER;
        sync(file, at, bytes, arrived)?;
        // Only advice.
        let _ = rustix::fs::fadvise(file, at, std::num::NonZeroU64::new(bytes), rustix::fs::Advice::DontNeed);
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn sync(file: &File, at: u64, bytes: u64, how: libc::c_uint) -> Result<()> {
    use std::os::fd::AsRawFd;
    let (Ok(at), Ok(bytes)) = (at.try_into(), bytes.try_into()) else { return Ok(()) };
    // SAFETY: the descriptor is open for as long as `file` is borrowed; no memory is handed over.
    if unsafe { libc::sync_file_range(file.as_raw_fd(), at, bytes, how) } == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EIO | libc::ENOSPC | libc::EDQUOT) => Err(error),
        // Some file systems do not offer it; the last flush does all the work there.
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn wrote(_: &File, _: u64, _: u64, _: u64) -> Result<()> {
    Ok(())
}
