//! Archives between us and another implementation.

use std::io::{Cursor, Read, Write};

use conduct_bundle::archive::{Mode, Packing, Stamp, Trailer};

use crate::archives::{opened, shop, written};

#[test]
fn more_entries_than_the_old_format_counts_are_written_and_read() {
    let mut packing = Packing::new("", Stamp::EARLIEST).unwrap();
    for n in 0..70_000 {
        packing
            .bytes(&format!("{:02}/{n}", n % 100), Mode::FILE, "")
            .unwrap();
    }
    let bytes = written(&packing, Trailer::Append);
    assert_eq!(opened(&bytes).entries().len(), 70_000);
    let others = zip::ZipArchive::new(Cursor::new(&bytes[..bytes.len() - 73])).unwrap();
    assert_eq!(others.len(), 70_000);
}

#[test]
fn another_implementation_reads_what_we_write() {
    let bytes = written(&shop(), Trailer::Append);
    let mut others = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let mut program = others.by_name("shop/shop/bin/shop").unwrap();
    assert_eq!(program.unix_mode(), Some(0o100_755));
    assert_eq!(program.compression(), zip::CompressionMethod::Stored);
    let mut text = String::new();
    program.read_to_string(&mut text).unwrap();
    assert_eq!(text, "#!/bin/sh\n");
    drop(program);
    assert!(others.by_name("shop/shop/tmp/").unwrap().is_dir());
}

#[test]
fn we_read_what_another_implementation_writes() {
    use zip::write::SimpleFileOptions;
    let content: Vec<u8> = (0..100_000u32)
        .flat_map(|n| (n % 251).to_le_bytes())
        .collect();
    for method in [
        zip::CompressionMethod::Stored,
        zip::CompressionMethod::Deflated,
    ] {
        for large in [false, true] {
            let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
            let options = SimpleFileOptions::default().compression_method(method);
            let options = options.large_file(large).unix_permissions(0o750);
            writer.add_directory("shop/lib", options).unwrap();
            writer.start_file("shop/bundle.conf", options).unwrap();
            writer.write_all(&content).unwrap();
            let bytes = writer.finish().unwrap().into_inner();
            let archive = opened(&bytes);
            let entry = archive.find("bundle.conf").unwrap();
            assert_eq!(entry.mode.bits(), 0o750);
            assert_eq!(archive.read(entry, 1 << 20).unwrap(), content);
        }
    }
}
