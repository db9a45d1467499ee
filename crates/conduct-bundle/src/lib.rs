//! Bundles: what `bundle.conf` says, and the archives that bundles travel in.
//!
//! [`conf`] turns text into a [`conduct_model::Descriptor`], telling everything that is wrong with
//! it at once. It is pure.
//!
//! [`archive`] writes zip files whose bytes depend on nothing but what is put in, reads zip files
//! that were made by strangers, and unpacks them without anything getting out. Its layout, names,
//! limits and digests are pure; reading and writing go through [`std::io`] traits, and only
//! packing from a folder and unpacking into one touch files. All of it works in constant memory,
//! except for an archive's directory, which is bounded.
//!
//! [`script`] writes lines of `runtime-config.sh`.
//!
//! ```
//! use std::io::Cursor;
//! use conduct_bundle::archive::{Archive, Limits, Mode, Packing, Stamp, Trailer};
//! use conduct_bundle::conf;
//!
//! let mut packing = Packing::new("shop", Stamp::EARLIEST)?;
//! packing.bytes("bundle.conf", Mode::FILE, "name = shop, memory = much")?;
//! packing.bytes("shop/bin/shop", Mode::PROGRAM, "#!/bin/sh\nexec sleep 60\n")?;
//! let mut bytes = Vec::new();
//! let written = packing.write_to(&mut bytes, Trailer::Append)?;
//!
//! let archive = Archive::open(Cursor::new(bytes), Limits::default())?;
//! archive.verify(written.digest)?;
//! let reading = conf::read(&archive.conf()?.unwrap(), None);
//! assert!(reading.errors().any(|error| error.to_string().starts_with(
//!     "bundle.conf:1:23: memory must be a size such as 384 MiB"
//! )));
//! # Ok::<(), conduct_bundle::archive::ArchiveError>(())
//! ```

pub mod archive;
pub mod conf;
#[doc(hidden)]
pub mod fuzz;
pub mod script;
