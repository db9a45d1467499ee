//! `bundle.conf`: from text to a [`conduct_model::Descriptor`], with everything that is wrong with
//! it told at once.
//!
//! A bundle's text and that of the configuration laid over it are read as one ([`Conf`]), brought
//! to one spelling of every key, and then read into types key by key. Whoever finds something
//! wrong reports it with its place and goes on, so that one look shows all there is to mend.

mod acls;
mod components;
mod docker;
mod document;
mod endpoints;
mod keys;
mod reader;
mod top;
mod values;

pub use docker::Privilege;
pub use document::{CONF_SOURCE, CONFIGURATION_SOURCE, Conf};
pub use reader::{ConfKind, Reading, Rules};

/// Reads the text of a bundle's `bundle.conf`, with that of a configuration laid over it if there
/// is one.
pub fn read(conf: &str, overlay: Option<&str>) -> Reading {
    match Conf::parse(conf, overlay) {
        Ok(conf) => conf.read(&Rules::default()),
        Err(error) => Reading::refused(error.into()),
    }
}

/// Reads the text of a configuration by itself: whatever it says has to be right, but it need not
/// say everything.
pub fn read_configuration(conf: &str) -> Reading {
    match Conf::parse_named(CONFIGURATION_SOURCE, conf, None) {
        Ok(conf) => conf.read(&Rules {
            kind: ConfKind::Configuration,
            ..Rules::default()
        }),
        Err(error) => Reading::refused(error.into()),
    }
}
