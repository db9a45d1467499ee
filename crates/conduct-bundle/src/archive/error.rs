//! What can be wrong with an archive, and what its rules are.

use std::io;
use std::path::PathBuf;

use conduct_model::Digest;

/// Why an archive was not read, written or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// One entry breaks a rule; nothing of the archive was kept.
    #[error("the archive is refused because of {entry}: {rule}")]
    Entry {
        /// The entry as it calls itself, quoted, shortened, without control characters.
        entry: String,
        /// What it breaks.
        rule: Rule,
    },
    /// The archive as a whole is broken or too large.
    #[error("the archive is refused: {0}")]
    Archive(Defect),
    /// Its bytes are others than its name promised.
    #[error(
        "the archive is not what its name says: expected {expected}, contents hash to {actual}"
    )]
    Digest {
        /// What the name or the sender said.
        expected: Digest,
        /// What the bytes came to.
        actual: Digest,
    },
    /// The machine failed while reading the archive itself.
    #[error("could not read the archive")]
    Read(#[source] io::Error),
    /// The machine failed while writing the archive.
    #[error("could not write the archive")]
    Write(#[source] io::Error),
    /// A file that should go into an archive, or come out of one, failed.
    #[error("could not {doing} {path}", path = path.display())]
    File {
        /// What was tried, as a verb: `read`, `create` …
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is packed has other bytes at the second look than at the first.
    #[error("{entry} changed while it was packed")]
    Changed {
        /// The entry that it was packed as.
        entry: String,
    },
}

/// What an entry has to keep to. Each is a way in which archives have been used to do harm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// A name of no bytes.
    #[error("its name is empty")]
    NameEmpty,
    /// A name that no file system takes, or a path without end.
    #[error("its name is too long: {bytes} bytes, at most {max}")]
    NameLong {
        /// The length.
        bytes: usize,
        /// The bound for a path or one part of it.
        max: usize,
    },
    /// Another encoding than UTF-8.
    #[error("its name is no UTF-8")]
    NameEncoding,
    /// NUL, newline, escape and the like.
    #[error("its name holds the control character {0:?}")]
    NameControl(char),
    /// `/etc/passwd`.
    #[error("its name is absolute")]
    Absolute,
    /// `C:\Windows`.
    #[error("its name begins with a drive letter")]
    Drive,
    /// `a\b`, which is one name here and a path elsewhere.
    #[error("its name holds a backslash")]
    Backslash,
    /// `a/../../b`.
    #[error("its name leads outside with ..")]
    Outside,
    /// `a//b` or `./a`, a second spelling of one path.
    #[error("its name has an empty part or a lone dot")]
    EmptyPart,
    /// Folders in folders in folders.
    #[error("it is {depth} levels deep, at most {max} are allowed")]
    Deep {
        /// How many parts its path has.
        depth: usize,
        /// The limit.
        max: usize,
    },
    /// Two entries with one name.
    #[error("its name occurs twice")]
    Twice,
    /// `README` and `readme`: one file on some machines, two on others.
    #[error("its name differs from {0} only in upper and lower case")]
    Twin(String),
    /// `a` as a file beside `a/b`.
    #[error("it is a file and a folder at once")]
    FileAndFolder,
    /// A symbolic link, or a hard one where the format has them.
    #[error("it is a link, and links are not allowed in bundles")]
    Link,
    /// A folder that contains itself by way of a link.
    #[error("it is a link to a folder that it is in")]
    Loop,
    /// A device node, FIFO or socket.
    #[error("it is a {0}, only files and folders are allowed in bundles")]
    Special(&'static str),
    /// A folder that has bytes of its own.
    #[error("it is a folder with content")]
    FolderContent,
    /// A password would be needed.
    #[error("it is encrypted")]
    Encrypted,
    /// Neither stored nor deflated.
    #[error("its compression method {0} is not supported")]
    Method(u16),
    /// Bytes shared with another entry or with the directory, which makes bombs.
    #[error("its bytes overlap those of another entry")]
    Overlap,
    /// The two places that describe an entry disagree.
    #[error("its own header and the directory disagree about its {0}")]
    Disagree(&'static str),
    /// The size in the directory is a lie.
    #[error("it holds {found} than the {said} bytes that it claims")]
    Size {
        /// `more` or `less`.
        found: &'static str,
        /// What the directory says.
        said: u64,
    },
    /// The checksum does not fit the bytes.
    #[error("its checksum is wrong")]
    Checksum,
    /// The compressed bytes are no deflate stream.
    #[error("its compressed bytes are damaged")]
    Damaged,
    /// Too many bytes from too few.
    #[error("it unpacks to more than {0} times its size")]
    Ratio(u64),
    /// It is, or with it the archive becomes, larger than allowed.
    #[error("with it the archive unpacks to more than {0} bytes")]
    Total(u64),
    /// More than a caller wanted to hold in memory.
    #[error("it has more than {0} bytes")]
    Large(u64),
}

/// What can be wrong with an archive as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// No end record.
    #[error("it is not a zip file")]
    NoZip,
    /// Two end records, so two readers may see two archives.
    #[error("it has more than one end record")]
    Ambiguous,
    /// In several parts.
    #[error("it is one of several disks")]
    Disks,
    /// Records that are cut off or point outside.
    #[error("its {0} is damaged")]
    Damaged(&'static str),
    /// More entries than allowed, folders that are only implied included.
    #[error("it has more than {0} files and folders")]
    Entries(u64),
    /// A directory that would not fit into memory.
    #[error("its directory has {bytes} bytes, at most {max} are allowed")]
    Directory {
        /// The size.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// Neither a descriptor …
    #[error("it holds no bundle.conf")]
    NoConf,
    /// … nor one that is text.
    #[error("its bundle.conf is no UTF-8")]
    ConfEncoding,
}

impl ArchiveError {
    /// A refusal that names `entry` and `rule`.
    pub(crate) fn entry(entry: &[u8], rule: Rule) -> ArchiveError {
        ArchiveError::Entry {
            entry: quoted(entry),
            rule,
        }
    }

    /// A failure of the machine with one file.
    pub(crate) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> ArchiveError {
        let path = path.into();
        move |source| ArchiveError::File {
            doing,
            path,
            source,
        }
    }
}

/// Names come from strangers and end on terminals and in logs.
pub(crate) fn quoted(name: &[u8]) -> String {
    const SHOWN_CHARS_MAX: usize = 120;
    let text = String::from_utf8_lossy(name);
    if text.chars().count() <= SHOWN_CHARS_MAX {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("{start:?}…")
}
