//! Starts the disk early: a system that gathers hundreds of mebibytes before it writes any leaves the whole wait to the last flush.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

/// Bytes between two flushes: enough for the disk to work evenly, few against what a second writes.
const STEP: u64 = 32 << 20;

/// Flushes a file from a thread of its own while others write to it. Small files never start the thread.
#[derive(Debug, Default)]
pub(super) struct WriteBehind {
    written: AtomicU64,
    flusher: OnceLock<Option<Flusher>>,
}

#[derive(Debug)]
struct Flusher {
    wake: Mutex<Sender<()>>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl WriteBehind {
    /// So many more bytes of `file` are written.
    pub fn wrote(&self, file: &File, bytes: u64) {
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if before / STEP == (before + bytes) / STEP {
            return;
        }
        // Without a thread the last flush does all the work.
        let flusher = self.flusher.get_or_init(|| {
            let (wake, woken) = channel();
            let file = file.try_clone().ok()?;
            let thread = std::thread::Builder::new().name("flush".into()).spawn(move || flush(&file, &woken)).ok()?;
            Some(Flusher { wake: Mutex::new(wake), thread })
        });
        if let Some(flusher) = flusher {
            // The thread has ended only after an error, which `finish` reports.
            let _ = flusher.wake.lock().unwrap_or_else(PoisonError::into_inner).send(());
        }
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Waits for the thread. A write that the disk refused is told only once, to whoever flushes first, so its error counts here.
    pub fn finish(self) -> std::io::Result<()> {
        let Some(Some(Flusher { wake, thread })) = self.flusher.into_inner() else { return Ok(()) };
        drop(wake);
        thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the flushing thread ended")))
    }
}

fn flush(file: &File, woken: &Receiver<()>) -> std::io::Result<()> {
    while woken.recv().is_ok() {
        while woken.try_recv().is_ok() {}
        file.sync_data()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_large_file_is_flushed_on_the_way_and_a_small_one_has_no_thread() {
        let mut file = tempfile::tempfile().unwrap();
        let small = WriteBehind::default();
        small.wrote(&file, 1000);
        assert!(small.flusher.get().is_none());
        small.finish().unwrap();
        let large = WriteBehind::default();
        let block = vec![7; 1 << 20];
        for _ in 0..70 {
            file.write_all(&block).unwrap();
            large.wrote(&file, block.len() as u64);
        }
        assert!(large.flusher.get().is_some_and(Option::is_some));
        assert_eq!(large.bytes(), 70 << 20);
        large.finish().unwrap();
    }
}
