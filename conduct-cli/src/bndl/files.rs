//! Single files of the material: contents for archives, and the two files that are read here.

use std::io::{self, Read};

use conduct_bundle::archive::{
    CONF_NAME, Content as PackedContent, FileContent, Limits, Measure, SCRIPT_NAME,
};
use conduct_image::{ExportFile, Kind, Place, TarIndex};

use super::material::{Content, Material};
use crate::exit::{Exit, Failure, OrFail as _};
use crate::output::Output;

/// The largest script that is read to be added to.
const SCRIPT_BYTES_MAX: u64 = 1 << 20;

/// A file inside of a tar.
pub(crate) struct TarContent<'a>(pub(crate) &'a TarIndex, pub(crate) &'a Place);

impl PackedContent for TarContent<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0.open(self.1)?))
    }
}

/// A file of an image.
pub(super) struct ImageContent<'a>(pub(super) &'a ExportFile);

impl PackedContent for ImageContent<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        self.0.open().map_err(io::Error::from)
    }

    fn measure(&self) -> Option<Measure> {
        let crc = self.0.crc?;
        Some(Measure {
            bytes: self.0.size,
            crc,
        })
    }
}

impl Material {
    /// Where in the folder that is packed the result will be, if it goes there: what was made
    /// before must not become a part of what is made now.
    pub(super) fn place_of(&self, output: &Output) -> Option<String> {
        let (Content::Folder(folder), Output::File(file)) = (&self.content, output) else {
            return None;
        };
        let (folder, file) = (folder.canonicalize().ok()?, file.canonicalize().ok()?);
        let inside = file.strip_prefix(folder).ok()?.to_str()?;
        Some(inside.replace(std::path::MAIN_SEPARATOR, "/"))
    }

    /// The descriptor, with its name for messages.
    pub(super) fn conf_bytes(&self) -> Result<Option<(String, Vec<u8>)>, Failure> {
        let name = match &self.content {
            Content::Conf(bytes) => return Ok(Some((self.name.clone(), bytes.clone()))),
            Content::Folder(folder) => folder.join(CONF_NAME).display().to_string(),
            _ => format!("{}/{CONF_NAME}", self.name),
        };
        let max = Limits::default().conf_bytes;
        Ok(self.small_file(CONF_NAME, max)?.map(|bytes| (name, bytes)))
    }

    pub(super) fn script_bytes(&self) -> Result<Option<Vec<u8>>, Failure> {
        self.small_file(SCRIPT_NAME, SCRIPT_BYTES_MAX)
    }

    /// A file of the root, if it is there.
    fn small_file(&self, file: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, Failure> {
        let unreadable = || format!("could not read {file} of {}", self.name);
        let content: Box<dyn PackedContent + '_> = match &self.content {
            Content::Folder(folder) => {
                let path = folder.join(file);
                if !path.is_file() {
                    return Ok(None);
                }
                Box::new(FileContent(path))
            }
            Content::Zip(archive) => {
                let Some(entry) = archive.find(file) else {
                    return Ok(None);
                };
                return archive
                    .read(entry, bytes_max)
                    .map(Some)
                    .or_fail(Exit::Failed, unreadable());
            }
            Content::Tar(index, root) => {
                let full = if root.is_empty() {
                    file.to_owned()
                } else {
                    format!("{root}/{file}")
                };
                let Some(place) = index.get(&full).filter(|place| place.kind == Kind::File) else {
                    return Ok(None);
                };
                Box::new(TarContent(index, place))
            }
            Content::Conf(_) | Content::Nothing | Content::Docker(_) | Content::Image(_) => {
                return Ok(None);
            }
        };
        let mut bytes = Vec::new();
        content
            .open()
            .and_then(|reader| reader.take(bytes_max + 1).read_to_end(&mut bytes))
            .or_fail(Exit::Usage, unreadable())?;
        if bytes.len() as u64 > bytes_max {
            let sentence = format!("{}: it has more than {bytes_max} bytes", unreadable());
            return Err(Failure::new(Exit::Failed, sentence));
        }
        Ok(Some(bytes))
    }
}
