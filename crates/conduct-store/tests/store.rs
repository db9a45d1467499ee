//! Real files: what is acknowledged is there again, what is damaged is never believed.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bytes::Bytes;
use conduct_model::Digest;
use conduct_store::{
    Archives, Batch, Records, RecordsNews, Reserve, Restored, Scrubbed, StateFolder, StoreError,
    Write,
};
use proptest::prelude::*;

const PATIENCE: Duration = Duration::from_secs(10);
const ARCHIVE_BYTES_MAX: u64 = 1 << 20;

struct Store {
    records: Records,
    news: Receiver<RecordsNews>,
    restored: Restored,
    _folder: StateFolder,
}

fn open(path: &Path) -> Store {
    let folder = StateFolder::take(path).expect("the folder is free");
    let (sender, news) = channel();
    let tell = move |told| sender.send(told).expect("the test listens");
    let reserve = Reserve::take(path);
    let (records, restored) = Records::open(&folder, reserve, tell).expect("the records open");
    Store {
        records,
        news,
        restored,
        _folder: folder,
    }
}

impl Store {
    fn write(&self, n: u64, key: &str, value: Option<&str>) {
        let write = Write {
            key: Bytes::copy_from_slice(key.as_bytes()),
            value: value.map(|value| Bytes::copy_from_slice(value.as_bytes())),
        };
        self.records.write(Batch {
            n,
            writes: vec![write],
        });
    }

    fn wait_stored(&self, n: u64) {
        loop {
            match self
                .news
                .recv_timeout(PATIENCE)
                .expect("the writer answers")
            {
                RecordsNews::Stored(stored) if stored >= n => return,
                RecordsNews::Stored(_) => {}
                failed @ RecordsNews::Failed { .. } => panic!("{failed:?}"),
            }
        }
    }

    fn keys(&self) -> Vec<String> {
        let key = |(key, _): &(Bytes, Bytes)| String::from_utf8_lossy(key).into_owned();
        self.restored.entries.iter().map(key).collect()
    }
}

#[test]
fn what_was_stored_is_there_again_and_what_was_removed_is_not() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    assert!(!store.restored.existed);
    store.write(1, "a", Some("1"));
    store.write(2, "b", Some("2"));
    store.write(3, "a", None);
    store.wait_stored(3);
    drop(store);
    let again = open(place.path());
    assert!(again.restored.existed);
    assert_eq!(again.keys(), ["b"]);
}

#[test]
fn many_batches_share_a_sync_and_are_answered_in_order() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    for n in 1..=1000 {
        store.write(n, &format!("key {n}"), Some("value"));
    }
    store.wait_stored(1000);
    assert!(store.news.try_recv().is_err(), "one answer too many");
    drop(store);
    assert_eq!(open(place.path()).restored.entries.len(), 1000);
}

/// A folder with some records in it, and the bytes of their file.
fn some_records() -> (tempfile::TempDir, Vec<u8>) {
    let place = tempfile::tempdir().expect("a folder");
    let store = open(place.path());
    for n in 1..=20 {
        store.write(n, &format!("key {n}"), Some("a value of some length"));
    }
    store.wait_stored(20);
    drop(store);
    let bytes = fs::read(place.path().join("records.redb")).expect("the records are a file");
    (place, bytes)
}

/// Whatever happened to the file: the daemon starts, and believes nothing that was not written.
fn starts_without_inventing(place: &Path, bytes: &[u8]) {
    fs::write(place.join("records.redb"), bytes).expect("the file can be damaged");
    let store = open(place);
    assert!(store.restored.existed);
    let whole = store.restored.entries.len() == 20;
    assert!(whole || store.restored.damaged.is_some() || store.restored.entries.len() < 20);
    for (key, value) in &store.restored.entries {
        assert!(key.starts_with(b"key ") && *value == "a value of some length"[..]);
    }
    // It goes on working.
    store.write(21, "key after", Some("a value of some length"));
    store.wait_stored(21);
}

#[test]
fn a_file_cut_short_anywhere_is_set_aside_or_read_and_never_stops_the_daemon() {
    let (place, bytes) = some_records();
    for part in 0..24 {
        let length = bytes.len() * part / 24;
        starts_without_inventing(place.path(), &bytes[..length]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_flipped_bit_anywhere_is_never_believed(place_in_file in 0.0..1.0f64, bit in 0..8u8) {
        let (place, mut bytes) = some_records();
        let at = (place_in_file * bytes.len() as f64) as usize;
        bytes[at] ^= 1 << bit;
        starts_without_inventing(place.path(), &bytes);
    }
}

fn archives(place: &Path) -> (StateFolder, Archives) {
    let folder = StateFolder::take(place).expect("the folder is free");
    let archives = Archives::open(&folder, ARCHIVE_BYTES_MAX).expect("the archives open");
    (folder, archives)
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).expect("the folder is there").count()
}

#[test]
fn an_upload_is_visible_only_when_it_is_what_its_name_says() {
    let place = tempfile::tempdir().unwrap();
    let (_folder, archives) = archives(place.path());
    let digest = Digest::of(b"an archive");
    let mut upload = archives.upload().unwrap();
    upload.write(b"an ").unwrap();
    upload.write(b"archive").unwrap();
    assert_eq!(archives.holdings().unwrap(), []);
    let received = upload.finish(digest).unwrap();
    assert_eq!((received.digest, received.length_bytes), (digest, 10));
    assert_eq!(archives.holdings().unwrap(), [(digest, 10)]);

    let mut wrong = archives.upload().unwrap();
    wrong.write(b"something else").unwrap();
    let refused = wrong.finish(digest).unwrap_err();
    let actual = Digest::of(b"something else");
    assert_eq!(
        refused.to_string(),
        format!("the archive should be {digest}, its contents hash to {actual}")
    );
    assert_eq!(
        count(&place.path().join("incoming")),
        0,
        "the refused upload left something"
    );
}

#[test]
fn an_upload_that_breaks_off_or_grows_too_large_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let (_folder, archives) = archives(place.path());
    let mut broken = archives.upload().unwrap();
    broken.write(b"half").unwrap();
    drop(broken);
    let mut large = archives.upload().unwrap();
    let refused = large
        .write(&vec![0; ARCHIVE_BYTES_MAX as usize + 1])
        .unwrap_err();
    assert!(matches!(
        refused,
        StoreError::TooLarge {
            max_bytes: ARCHIVE_BYTES_MAX
        }
    ));
    drop(large);
    assert_eq!(count(&place.path().join("incoming")), 0);
}

#[test]
fn a_trailer_that_came_with_an_upload_can_be_taken_back() {
    let place = tempfile::tempdir().unwrap();
    let (_folder, archives) = archives(place.path());
    let mut upload = archives.upload().unwrap();
    upload.write(b"an archive and its trailer").unwrap();
    upload.truncate(10).unwrap();
    assert!(upload.finish(Digest::of(b"an archive")).is_ok());
}

#[test]
fn a_fetch_goes_on_where_it_stopped_even_after_a_crash() {
    let place = tempfile::tempdir().unwrap();
    let digest = Digest::of(b"first half, second half");
    {
        let (_folder, archives) = archives(place.path());
        let mut fetch = archives.fetch(digest).unwrap();
        fetch.write(b"first half, ").unwrap();
        let _upload_of_a_dead_daemon = std::mem::ManuallyDrop::new(archives.upload().unwrap());
    }
    let (_folder, archives) = archives(place.path());
    assert_eq!(
        count(&place.path().join("incoming")),
        1,
        "only the fetch is kept"
    );
    let mut fetch = archives.fetch(digest).unwrap();
    assert_eq!(fetch.length_bytes(), 12);
    fetch.write(b"second half").unwrap();
    fetch.finish(digest).unwrap();
    assert_eq!(archives.holdings().unwrap(), [(digest, 23)]);
}

#[test]
fn a_rotten_archive_is_set_aside_when_it_is_looked_at() {
    let place = tempfile::tempdir().unwrap();
    let (_folder, archives) = archives(place.path());
    let digest = Digest::of(b"fresh");
    let mut upload = archives.upload().unwrap();
    upload.write(b"fresh").unwrap();
    upload.finish(digest).unwrap();
    assert_eq!(archives.scrub(digest).unwrap(), Scrubbed::Good);
    fs::write(archives.path(digest).unwrap(), b"rotte").unwrap();
    assert_eq!(archives.scrub(digest).unwrap(), Scrubbed::Damaged);
    assert_eq!(archives.scrub(digest).unwrap(), Scrubbed::Absent);
    assert!(archives.read(digest, 0).unwrap().is_none());
}

#[test]
fn an_archive_is_read_from_any_offset_and_deleted_for_good() {
    use std::io::Read;
    let place = tempfile::tempdir().unwrap();
    let (_folder, archives) = archives(place.path());
    let digest = Digest::of(b"0123456789");
    let mut upload = archives.upload().unwrap();
    upload.write(b"0123456789").unwrap();
    upload.finish(digest).unwrap();
    let mut rest = String::new();
    let mut opened = archives.read(digest, 7).unwrap().expect("it is there");
    opened.file.read_to_string(&mut rest).unwrap();
    assert_eq!((opened.length_bytes, rest.as_str()), (10, "789"));
    assert!(archives.read(digest, 11).unwrap().is_none());
    archives.delete(digest).unwrap();
    archives.delete(digest).unwrap();
    assert_eq!(archives.holdings().unwrap(), []);
}
