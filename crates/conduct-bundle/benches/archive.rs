//! Makes, verifies and unpacks one large bundle, and holds the cost against its bounds: hashing
//! against `openssl` on the same file, memory against 64 MiB whatever the bundle's size.
//!
//! `cargo bench -p conduct-bundle --bench archive -- [SIZE IN MIB]`, 1024 by default.

#![expect(clippy::print_stdout, reason = "a benchmark is a report")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use conduct_bundle::archive::{Archive, Limits, Mode, Packing, Stamp, Trailer, extract};
use conduct_model::Digest;

/// Of openssl's speed, which uses the processor's instructions for SHA.
const HASHING_MIN: f64 = 0.7;
const RSS_MIB_MAX: f64 = 64.0;
/// The fastest of so many runs, so that others on the machine do not decide.
const RUNS: usize = 5;
const SMALL_FILES: usize = 2000;
const MIB: usize = 1 << 20;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let size = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let size_mib: usize = size.map_or(Ok(1024), |size| size.parse())?;
    let home = tempfile::tempdir()?;
    let source = home.path().join("source");
    fill(&source, size_mib)?;
    println!("a bundle of {size_mib} MiB and {SMALL_FILES} small files");

    let zip = home.path().join("bundle.zip");
    let (digest, took) = timed(|| pack(&source, &zip))?;
    report("made", size_mib, took);
    let (_, took) = timed(|| Ok(open(&zip)?.verify(digest)?))?;
    report("verified", size_mib, took);
    let target = home.path().join("target");
    let (_, took) = timed(|| Ok(extract(&open(&zip)?, &target)?))?;
    report("unpacked", size_mib, took);

    let many = home.path().join("many.zip");
    pack_many(&many)?;
    let (archive, took) = timed(|| open(&many))?;
    println!(
        "{} entries opened in {:.2} s",
        archive.entries().len(),
        took.as_secs_f64()
    );

    let hashing = compare_hashing(&zip)?;
    let rss_mib = peak_rss_mib();
    println!(
        "{}",
        judge(
            "peak memory",
            rss_mib.map(|rss| rss / RSS_MIB_MAX),
            "64 MiB"
        )
    );
    println!("{}", judge("hashing", hashing, "openssl dgst -sha256"));
    let is_good = hashing.is_none_or(|ratio| ratio >= HASHING_MIN)
        && rss_mib.is_none_or(|rss| rss < RSS_MIB_MAX);
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Bytes that no compression shortens, most of them in one file.
fn fill(source: &Path, size_mib: usize) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(source.join("shop/lib"))?;
    fs::write(source.join("bundle.conf"), "name = shop")?;
    for number in 0..SMALL_FILES {
        fs::write(
            source.join(format!("shop/lib/{number}")),
            number.to_string(),
        )?;
    }
    let mut out = BufWriter::with_capacity(MIB, File::create(source.join("shop/large"))?);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..size_mib * MIB / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.write_all(&state.to_le_bytes())?;
    }
    out.flush()?;
    Ok(())
}

fn pack(source: &Path, zip: &Path) -> Result<Digest, Box<dyn Error>> {
    let mut packing = Packing::new("shop", Stamp::EARLIEST)?;
    packing.tree(source)?;
    Ok(packing
        .write_to(&mut File::create(zip)?, Trailer::Append)?
        .digest)
}

/// As many entries as are allowed, with names as long as a directory of allowed size has room for.
fn pack_many(zip: &Path) -> Result<Digest, Box<dyn Error>> {
    let mut packing = Packing::new("shop", Stamp::EARLIEST)?;
    for number in 0..Limits::default().entries - 2 {
        packing.bytes(&format!("lib/{number:0100}"), Mode::FILE, [])?;
    }
    Ok(packing
        .write_to(&mut BufWriter::new(File::create(zip)?), Trailer::Append)?
        .digest)
}

fn open(zip: &Path) -> Result<Archive<File>, Box<dyn Error>> {
    let limits = Limits {
        total_bytes: 1 << 40,
        ..Limits::default()
    };
    Ok(Archive::open(File::open(zip)?, limits)?)
}

/// Our speed as a part of openssl's, both on the file that has just been written.
fn compare_hashing(zip: &Path) -> Result<Option<f64>, Box<dyn Error>> {
    let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        ours = ours.min(timed(|| Ok(open(zip)?.digest()?))?.1);
        let mut openssl = Command::new("openssl");
        openssl
            .args(["dgst", "-sha256"])
            .arg(zip)
            .stdout(Stdio::null());
        match timed(|| Ok(openssl.status()?)) {
            Ok((status, took)) if status.success() => theirs = theirs.min(took),
            _ => return Ok(None),
        }
    }
    Ok(Some(theirs.as_secs_f64() / ours.as_secs_f64()))
}

/// The most memory that this process ever had, where the system tells.
fn peak_rss_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

fn timed<T>(
    work: impl FnOnce() -> Result<T, Box<dyn Error>>,
) -> Result<(T, Duration), Box<dyn Error>> {
    let before = Instant::now();
    let done = work()?;
    Ok((done, before.elapsed()))
}

fn report(what: &str, size_mib: usize, took: Duration) {
    let speed = size_mib as f64 / took.as_secs_f64();
    println!("{what:12} {:6.2} s  {speed:6.0} MiB/s", took.as_secs_f64());
}

fn judge(what: &str, ratio: Option<f64>, of: &str) -> String {
    match ratio {
        Some(ratio) => format!("{what:12} {ratio:6.2} of {of}"),
        None => format!("{what:12} left out: {of} cannot be asked here"),
    }
}
