//! What is left when a job is killed, or when the device really has no memory: never a wrong result, never half a file.

#![cfg(target_os = "linux")]

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use crate::support::{Folder, finish, nifti, noise, ok, program, with_gpu};

/// SIGKILL.
const KILL: i32 = 9;

#[test]
fn a_kill_leaves_the_old_output_as_it_was() {
    let folder = Folder::new();
    let plane = noise(400 * 400);
    let mut bytes = nifti(&[400, 400, 400], 2, &[]);
    (0..400).for_each(|_| bytes.extend_from_slice(&plane));
    let big = folder.file("big.nii", &bytes);
    let old = folder.file("out.nii.gz", b"an older result");
    let before = folder.names();
    let mut child = program()
        .args(["equalize", "--threads", "1", "--force", &big, "-o", &old])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while folder.names() == before {
        assert!(child.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(KILL), "it was not killed in time");
    assert_eq!(std::fs::read(&old).unwrap(), b"an older result");
    // What it had begun lies beside it under a name that says so, and the next run is not disturbed by it.
    assert!(folder.names().iter().any(|name| name.to_string_lossy().ends_with(".part")));
    ok(&["equalize", "--force", &big, "-o", &old]);
    assert_eq!(std::fs::read(&old).unwrap()[..2], [0x1f, 0x8b]);
}

/// The number of the software driver, whose memory is the process's own.
fn software() -> Option<String> {
    let devices = ok(&["devices", "--json"]).json();
    let adapters = devices["adapters"].as_array().expect("a list");
    let found = adapters.iter().find(|a| a["software"] == true).map(|a| a["index"].to_string());
    if found.is_none() {
        eprintln!("skipped: no software driver, whose memory is the process's own");
    }
    found
}

/// The most memory a command had resident, in MiB. The system keeps the highest mark while the process lives, so reading it often is enough.
fn peak_mib(args: &[&str]) -> f64 {
    let mut child = program().args(args).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let ended = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u32>().ok());
        peak_kib = mark.unwrap_or(0).max(peak_kib);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(ended.success() && peak_kib > 0, "{args:?}: {ended}");
    f64::from(peak_kib) / 1024.0
}

/// On the software driver what lies on the device lies in the process too, so its peak holds all that the budget promises.
#[test]
fn a_fit_over_voxels_takes_the_same_memory_for_any_volume() {
    const MEMORY_MIB: f64 = 16.0;
    if !with_gpu() {
        return;
    }
    let Some(software) = software() else { return };
    let folder = Folder::new();
    let labels = folder.at("labels.nii");
    let chunk = noise(1 << 20);
    let peak = |mib: i16| {
        let mut bytes = nifti(&[256, 256, 8 * mib], 4, &[]);
        (0..mib).for_each(|_| bytes.extend_from_slice(&chunk));
        let path = folder.file(&format!("{mib}.nii"), &bytes);
        let line =
            format!("segment {path} -o {labels} --force --method voxel --max-iter 2 --device {software} --memory {MEMORY_MIB}");
        let args: Vec<&str> = line.split(' ').collect();
        // The least of two runs: a driver under load may compile its kernels on more threads at once.
        peak_mib(&args).min(peak_mib(&args))
    };
    let (least, some, more) = (peak(1), peak(32), peak(96));
    assert!((more / some - 1.0).abs() < 0.1, "{some} MiB for 32 MiB of voxels, {more} for 96");
    assert!(more <= least + MEMORY_MIB + 16.0, "{least} MiB for 1 MiB of voxels, {more} for 96");
}

/// A distance map needs all voxels of a column at once, so that what does not fit goes through a scratch file.
#[test]
fn a_distance_map_takes_the_same_memory_for_any_volume() {
    const MEMORY_MIB: f64 = 16.0;
    let folder = Folder::new();
    let out = folder.at("out.nii");
    let chunk: Vec<u8> = noise(1 << 20).iter().map(|v| v & 3).collect();
    let peak = |mib: i16, signed: &str| {
        let mut bytes = nifti(&[256, 256, 16 * mib], 2, &[]);
        (0..mib).for_each(|_| bytes.extend_from_slice(&chunk));
        let path = folder.file(&format!("{mib}.nii"), &bytes);
        let line = format!("distance {path} -o {out} --force --threads 2 --memory {MEMORY_MIB} {signed}");
        peak_mib(&line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>())
    };
    let (least, some, more) = (peak(1, ""), peak(16, ""), peak(48, "--signed"));
    assert!(more <= least.max(some) + MEMORY_MIB, "{least} MiB for 1 MiB of voxels, {some} for 16, {more} for 48 on both sides");
}

/// Address space is taken away until the software driver has no memory for the job's buffers: a real failure of a real driver. Drivers may
/// crash under it; a result, where there is one, is right, and with some limit the job goes on with smaller units.
#[test]
fn a_device_that_is_really_out_of_memory_gives_the_same_answer() {
    if !with_gpu() {
        return;
    }
    let Some(software) = software() else { return };
    let folder = Folder::new();
    // A hole of zeros and a few voxels behind it: 256 MiB that take no disk.
    let path = folder.at("sparse.nii");
    let header = nifti(&[512, 512, 512], 512, &[]);
    std::fs::write(&path, &header).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let voxels = 2 * 512u64.pow(3);
    file.set_len(header.len() as u64 + voxels).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &noise(4096), header.len() as u64 + voxels - 4096).unwrap();
    let want = ok(&["stats", "--json", "--device", "cpu", &path]).json();

    let (mut went_on, mut seen) = (0, Vec::new());
    // From a limit at which the driver does not even start to one at which nothing is short; how much it wants grows with the cores.
    for limit_mib in (500..=16_000).step_by(100) {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &format!("ulimit -v {}; exec \"$0\" \"$@\"", limit_mib << 10)]);
        command.arg(program().get_program());
        command.args(["stats", "--json", "--threads", "1", "--memory", "4096", "--device", &software, &path]);
        let ran = finish(&mut command);
        if ran.code == Some(0) {
            assert_eq!(ran.json()["mean"], want["mean"], "at {limit_mib} MiB");
            assert_eq!(ran.json()["percentiles"], want["percentiles"], "at {limit_mib} MiB");
            let short = ran.stderr.contains("out of device memory");
            went_on += u32::from(short);
            if !short {
                break;
            }
        }
        seen.push(format!("{limit_mib} MiB: {:?} {}", ran.code, ran.stderr.lines().last().unwrap_or_default()));
    }
    assert!(went_on > 0, "no limit made the driver run out of memory and the job go on:\n{}", seen.join("\n"));
}
