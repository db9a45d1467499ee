//! A folder that files are put into, and that nothing gets out of.
//!
//! Names have been checked before they come here. This is the second wall: while an archive is
//! unpacked somebody may swap a folder of it for a link, and then even a harmless name leads
//! elsewhere. So every part of a path is opened in a way that refuses links, and everything is
//! opened relative to the folder, never by a path from the top.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::Beneath;
#[cfg(unix)]
pub(crate) use unix::Beneath;
