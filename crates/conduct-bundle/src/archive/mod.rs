//! Bundle archives: zip files that are named by their digest.
//!
//! Layout, names and limits are pure; what touches files stands apart (`extract`, `beneath`,
//! `folder`).
//!
//! The format is written and read by hand. What we write is a tenth of it, and since bundles are
//! named by these bytes they must never change, which no library promises across its versions. What
//! we read comes from strangers: libraries read what they can, while we want to refuse, by entry and
//! rule, whatever could be read in another way, such as two headers of one entry that differ. Only
//! decompression is a library's.

mod beneath;
mod content;
mod digest;
mod directory;
mod end;
mod entry_reader;
mod error;
mod extract;
mod folder;
mod format;
mod limits;
mod local;
mod name;
mod packing;
mod path;
mod reader;
mod stamp;
mod trailer;
mod writer;

pub use content::{Content, FileContent, Measure};
pub use digest::digest_of;
pub use directory::Entry;
pub use entry_reader::EntryReader;
pub use error::{ArchiveError, Defect, Rule};
pub use extract::{Extracted, extract};
pub use limits::Limits;
pub use name::{ArchiveName, ArchiveNameError};
pub use packing::{CONF_NAME, Item, Packing, SCRIPT_NAME};
pub use path::EntryPath;
pub use reader::Archive;
pub use stamp::{Mode, Stamp};
pub use trailer::{
    Arrived, Arriving, Found, Hashed, Trailer, find_trailer, find_trailer_in, trailer_text,
};
pub use writer::Written;
