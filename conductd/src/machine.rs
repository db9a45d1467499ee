//! What the machine has to give.

use std::path::Path;

use conduct_model::Resources;
use nix::sys::statvfs::statvfs;

/// Processors, memory, and room in the file system that holds `folder`.
pub(crate) fn resources(folder: &Path) -> Resources {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let disk_bytes =
        statvfs(folder).map_or(0, |found| found.blocks_available() * found.fragment_size());
    Resources {
        cpu_millis: cpus as u64 * 1000,
        memory_bytes: memory_bytes(),
        disk_bytes,
    }
}

/// What the kernel says can still be had without swapping.
fn memory_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_something_to_give() {
        let found = resources(Path::new("/"));
        assert!(found.cpu_millis >= 1000 && found.memory_bytes > 0 && found.disk_bytes > 0);
    }
}
