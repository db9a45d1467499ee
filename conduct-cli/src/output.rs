//! Where an archive goes. A file is replaced when the new one is complete, never before.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::exit::{Exit, Failure, OrFail as _};
use crate::screen::{Progress, stdout_failure};

const BUFFER_BYTES: usize = 256 << 10;

/// Stdout or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The archive is the program's result.
    Stdout,
    /// It goes there.
    File(PathBuf),
}

impl Output {
    /// `-` and nothing at all mean stdout.
    pub fn new(flag: Option<&Path>) -> Output {
        match flag {
            None => Output::Stdout,
            Some(path) if path == Path::new("-") => Output::Stdout,
            Some(path) => Output::File(path.to_owned()),
        }
    }

    /// Refuses to fill a person's screen with bytes.
    pub fn refuse_terminal(&self, program: &str) -> Result<(), Failure> {
        if *self == Output::Stdout && io::stdout().is_terminal() {
            return Err(
                Failure::new(Exit::Usage, "an archive cannot be shown on a terminal")
                    .hint(format_args!(
                        "write it to a file: {program} … -o bundle.zip"
                    ))
                    .hint(format_args!(
                        "or to another program: {program} … | conduct load"
                    )),
            );
        }
        Ok(())
    }

    /// Lets `fill` write the archive and puts it in its place.
    pub fn write<T>(
        &self,
        progress: &mut Progress,
        fill: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match self {
            Output::Stdout => {
                let mut out = Watched::new(io::stdout().lock(), progress);
                let result = fill(&mut out);
                match out.finish() {
                    Err(error) => Err(stdout_failure(&error)),
                    Ok(()) => result,
                }
            }
            Output::File(path) => write_file(path, progress, fill),
        }
    }
}

fn write_file<T>(
    path: &Path,
    progress: &mut Progress,
    fill: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let doing = || format!("could not write {}", path.display());
    // What is no plain file, such as a pipe or /dev/null, is written to and stays what it is. A
    // link stays a link, too.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        let mut out = Watched::new(File::create(path).or_fail(Exit::Failed, doing())?, progress);
        let result = fill(&mut out)?;
        out.finish().or_fail(Exit::Failed, doing())?;
        return Ok(result);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    write_named(folder, progress, fill, |_| path.clone()).map(|(_, result)| result)
}

/// Writes a new file into `folder` and gives it its name when it is complete and `name` can tell.
pub fn write_named<T>(
    folder: &Path,
    progress: &mut Progress,
    fill: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
    name: impl FnOnce(&T) -> PathBuf,
) -> Result<(PathBuf, T), Failure> {
    let doing = || format!("could not write to {}", folder.display());
    let file = temporary(folder).or_fail(Exit::Failed, doing())?;
    let mut out = Watched::new(file.as_file(), progress);
    let result = fill(&mut out)?;
    out.finish().or_fail(Exit::Failed, doing())?;
    let path = name(&result);
    file.persist(&path).map_err(|error| error.error).or_fail(
        Exit::Failed,
        format_args!("could not write {}", path.display()),
    )?;
    Ok((path, result))
}

/// A temporary file in the same folder, so that it can be renamed into place.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".bndl-");
    #[cfg(unix)]
    {
        // As any new file: the umask takes from it what it takes.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Counts what is written, and remembers an error that the one who writes may wrap.
struct Watched<'a, W: Write> {
    out: BufWriter<W>,
    progress: &'a mut Progress,
    error: Option<io::Error>,
}

impl<'a, W: Write> Watched<'a, W> {
    fn new(out: W, progress: &'a mut Progress) -> Watched<'a, W> {
        Watched {
            out: BufWriter::with_capacity(BUFFER_BYTES, out),
            progress,
            error: None,
        }
    }

    fn finish(mut self) -> io::Result<()> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            self.error = Some(error);
            kind.into()
        })
    }
}

impl<W: Write> Write for Watched<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        let count = self.noted(written)?;
        self.progress.add(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.noted(flushed)
    }
}
