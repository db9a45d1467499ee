//! Properties that hold for any bytes. The fuzzers and the tests run the same ones.

use std::io::Cursor;

use crate::archive::{Archive, ArchiveError, Limits, Packing, Stamp, Trailer};
use crate::conf;

/// Whatever a `bundle.conf` says, reading it ends, and what was understood is understood again
/// when it has been written out.
pub fn conf(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (below, above) = match text.split_once('\0') {
        Some((below, above)) => (below, Some(above)),
        None => (&*text, None),
    };
    let reading = conf::read(below, above);
    for diagnostic in &reading.diagnostics {
        assert!(
            !diagnostic.render().contains('\u{1b}'),
            "a terminal could be moved"
        );
    }
    let Ok(conf) = conf::Conf::parse(below, above) else {
        return;
    };
    let rendered = conf.render();
    let Some(descriptor) = reading.descriptor else {
        return;
    };
    // What only a configuration may ask for is asked by the bundle in the merged text.
    if reading.privileges.is_empty() {
        let again = conf::read(&rendered, None);
        assert_eq!(again.descriptor, Some(descriptor), "{rendered}");
    }
}

/// Whatever an archive holds, reading it ends within the limits, and what could be read can be
/// packed again and is the same.
pub fn archive(bytes: &[u8]) {
    let limits = Limits {
        total_bytes: 1 << 20,
        entries: 500,
        ..Limits::default()
    };
    let Ok(archive) = Archive::open(Cursor::new(bytes), limits.clone()) else {
        return;
    };
    let Ok(contents) = contents(&archive) else {
        return;
    };
    assert!(
        contents
            .iter()
            .map(|content| content.len() as u64)
            .sum::<u64>()
            <= limits.total_bytes
    );

    let mut packing = Packing::new("", Stamp::EARLIEST).expect("no folder is no wrong folder");
    for (entry, content) in archive.entries().iter().zip(&contents) {
        let path = entry.path.as_str();
        let added = if entry.is_folder {
            packing.folder(path)
        } else {
            packing.bytes(path, entry.mode, content.clone())
        };
        added.expect("what may be read may be written");
    }
    let mut packed = Vec::new();
    packing
        .write_to(&mut packed, Trailer::Append)
        .expect("memory takes all");
    let again = Archive::open(Cursor::new(packed), limits).expect("ours is right");
    for entry in again.entries().iter().filter(|entry| !entry.is_folder) {
        let same = archive
            .entries()
            .iter()
            .zip(&contents)
            .find(|(it, _)| it.path == entry.path);
        let read = again.read(entry, entry.bytes).expect("ours is right");
        assert_eq!(Some(&read), same.map(|(_, content)| content));
    }
}

fn contents(archive: &Archive<Cursor<&[u8]>>) -> Result<Vec<Vec<u8>>, ArchiveError> {
    archive
        .entries()
        .iter()
        .map(|entry| archive.read(entry, entry.bytes))
        .collect()
}
