//! Telling the service manager how the daemon is, where there is one that listens.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Says a word such as `READY=1`. Without a service manager there is nobody to tell.
pub(crate) fn tell(word: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    if let Err(error) = send(word, path.as_encoded_bytes()) {
        tracing::debug!(%error, word, "the service manager could not be told");
    }
}

fn send(word: &str, path: &[u8]) -> std::io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    // An abstract name is written with a leading @.
    let address = match path.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::new(
            std::str::from_utf8(path).map_err(std::io::Error::other)?,
        ))?,
    };
    socket.send_to_addr(word.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_reaches_a_socket_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        send("READY=1", path.as_os_str().as_encoded_bytes()).unwrap();
        let mut heard = [0; 16];
        let count = manager.recv(&mut heard).unwrap();
        assert_eq!(&heard[..count], b"READY=1");

        let name = format!("conduct-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        send("WATCHDOG=1", format!("@{name}").as_bytes()).unwrap();
        let count = manager.recv(&mut heard).unwrap();
        assert_eq!(&heard[..count], b"WATCHDOG=1");
    }
}
