//! Writes what was packed: as a zip that tells its digest, or as a plain tar.

use std::io::{self, Write};

use conduct_bundle::archive::{Content, Measure, Packing, Trailer, Written};

use crate::exit::{Exit, Failure, OrFail as _};
use crate::output::Output;
use crate::screen::Screen;

/// How an archive is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A zip, with its digest behind it.
    Zip,
    /// A tar.
    Tar,
}

/// Writes `packing`; gives digest and size of a zip.
pub fn write(
    packing: &Packing<'_>,
    output: &Output,
    style: Style,
    screen: &mut Screen,
) -> Result<Option<Written>, Failure> {
    let mut progress = screen.progress("packing", None);
    let failed = "could not make the archive";
    output.write(&mut progress, |out| match style {
        Style::Zip => packing
            .write_to(out, Trailer::Append)
            .map(Some)
            .or_fail(Exit::Failed, failed),
        Style::Tar => tar(packing, out)
            .map(|()| None)
            .or_fail(Exit::Failed, failed),
    })
}

/// Equal packings give equal bytes here, too: nobody owns the files, and all have the one time.
fn tar(packing: &Packing<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut builder = tar::Builder::new(out);
    let time = u64::try_from(packing.stamp().unix_secs()).unwrap_or_default();
    for (path, item) in packing.items() {
        let mut header = tar::Header::new_gnu();
        header.set_mode(item.mode.bits());
        header.set_mtime(time);
        match &item.content {
            None => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_size(0);
                builder.append_data(&mut header, format!("{path}/"), io::empty())?;
            }
            Some(content) => {
                let bytes = size(content.as_ref())?;
                header.set_entry_type(tar::EntryType::Regular);
                header.set_size(bytes);
                let reader = Exact {
                    inner: content.open()?,
                    left: bytes,
                };
                builder.append_data(&mut header, path.as_str(), reader)?;
            }
        }
    }
    builder.into_inner()?.flush()
}

fn size(content: &dyn Content) -> io::Result<u64> {
    match content.measure() {
        Some(measure) => Ok(measure.bytes),
        None => Ok(Measure::of(&mut content.open()?)?.bytes),
    }
}

/// A file that another program changes meanwhile must not shift all that follows in the tar.
struct Exact<R> {
    inner: R,
    left: u64,
}

impl<R: io::Read> io::Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let changed = || io::Error::other("a file changed while it was packed");
        if count == 0 && !buffer.is_empty() && self.left > 0 {
            return Err(changed());
        }
        self.left = self.left.checked_sub(count as u64).ok_or_else(changed)?;
        Ok(count)
    }
}
