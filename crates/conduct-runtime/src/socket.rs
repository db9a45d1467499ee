//! Unix sockets at paths of any length. The kernel takes no more than 107 bytes, and a state folder
//! may be as deep as its owner likes.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Longer than this no path of a socket may be.
const PATH_BYTES_MAX: usize = 107;

/// Listens at `path`.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    reach(path, UnixListener::bind)
}

/// Connects to whoever listens at `path`.
pub(crate) fn connect(path: &Path) -> io::Result<UnixStream> {
    reach(path, UnixStream::connect)
}

/// Names the folder by a descriptor where its path is too long.
fn reach<T>(path: &Path, open: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return open(path.to_owned());
    };
    if path.as_os_str().len() <= PATH_BYTES_MAX {
        return open(path.to_owned());
    }
    let folder = File::options()
        .read(true)
        .custom_flags(nix::libc::O_PATH | nix::libc::O_DIRECTORY)
        .open(folder)?;
    let short = format!("/proc/self/fd/{}", folder.as_raw_fd());
    open(Path::new(&short).join(name))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_socket_is_reached_however_deep_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join("x".repeat(100)).join("y".repeat(100));
        std::fs::create_dir_all(&deep).expect("made");
        for path in [folder.path().join("s"), deep.join("shim.sock")] {
            let listener = listen(&path).expect("it listens");
            assert!(path.exists());
            connect(&path)
                .expect("reached")
                .write_all(b"x")
                .expect("written");
            let mut heard = String::new();
            let (mut stream, _) = listener.accept().expect("somebody is there");
            stream.read_to_string(&mut heard).expect("read");
            assert_eq!(heard, "x");
        }
    }
}
