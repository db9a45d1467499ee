//! Names of entries become parts of a path that cannot lead anywhere but down.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use crate::ImageError;

/// The longest name that the kernel takes as a whole.
const PATH_BYTES_MAX: usize = 4095;

/// Takes a name apart. A slash in front means the root of the image; `.` means nothing.
pub(super) fn parts(name: &[u8], depth_max: usize) -> Result<Vec<OsString>, ImageError> {
    let refuse = |why: &str| {
        let entry = String::from_utf8_lossy(&name[..name.len().min(200)]).into_owned();
        Err(ImageError::Refused {
            entry,
            why: why.to_owned(),
        })
    };
    if name.contains(&0) {
        return refuse("its name has a zero byte");
    }
    if name.len() > PATH_BYTES_MAX {
        return refuse("its name is longer than a path can be");
    }
    let parts = name
        .split(|&byte| byte == b'/')
        .filter(|part| !matches!(part, [] | [b'.']));
    let parts: Vec<OsString> = parts
        .map(|part| OsString::from_vec(part.to_vec()))
        .collect();
    if parts.iter().any(|part| part == "..") {
        return refuse("its name leads upwards");
    }
    if parts.len() > depth_max {
        return refuse(&format!("it lies deeper than {depth_max} folders"));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_down_or_nowhere() {
        let plain = |name: &str| parts(name.as_bytes(), 4).map(|parts| parts.len());
        assert_eq!(plain("etc/passwd").ok(), Some(2));
        assert_eq!(plain("/etc//./passwd/").ok(), Some(2));
        assert_eq!(plain("./").ok(), Some(0));
        for name in [
            "../etc",
            "a/../../b",
            "a/..",
            "a\0b",
            "a/b/c/d/e",
            &"x".repeat(5000),
        ] {
            assert!(plain(name).is_err(), "{name:?}");
        }
    }
}
