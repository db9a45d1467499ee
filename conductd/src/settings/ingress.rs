//! Settings of the ingress.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use conduct_ingress::{Settings as Served, TlsFiles};
use conduct_model::Role;

use super::read::{Effective, SWITCH, SettingsError};

/// A node with this role takes callers in, unless it is said otherwise.
const ROLE: &str = "proxy";

/// Where the ingress listens, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IngressSettings {
    pub(crate) ip: IpAddr,
    pub(crate) port: u16,
    pub(crate) status_port: u16,
    /// Where there is a certificate.
    pub(crate) https_port: Option<u16>,
    pub(crate) served: Served,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Enabled {
    Auto,
    On,
    Off,
}

const ENABLED: &[(&str, Enabled)] = &[
    ("auto", Enabled::Auto),
    ("on", Enabled::On),
    ("off", Enabled::Off),
    ("true", Enabled::On),
    ("false", Enabled::Off),
];

impl Effective {
    /// The settings of the ingress, if this node has one. They are read, and so refused if they
    /// are wrong, also where it has none.
    pub(super) fn ingress(&self) -> Result<Option<IngressSettings>, SettingsError> {
        let ip = self.parsed("conduct.ingress.ip", "an IP address of this machine")?;
        let tls = self.tls()?;
        let settings = IngressSettings {
            ip,
            port: self.port("conduct.ingress.port")?,
            status_port: self.port("conduct.ingress.status-port")?,
            https_port: tls
                .is_some()
                .then(|| self.port("conduct.ingress.tls.port"))
                .transpose()?,
            served: Served {
                tls,
                accept_proxy: self.one_of("conduct.ingress.accept-proxy", SWITCH)?,
                send_proxy: self
                    .listed::<NonZeroU16>("conduct.ingress.send-proxy", "ports such as 7007")?
                    .into_iter()
                    .collect(),
                trust_forwarded: self.one_of("conduct.ingress.trust-forwarded", SWITCH)?,
                access_log: self.one_of("conduct.ingress.access-log", SWITCH)?,
                ..Served::at(ip)
            },
        };
        let roles = self.listed::<Role>("conduct.roles", "role names")?;
        let is_on = match self.one_of("conduct.ingress.enabled", ENABLED)? {
            Enabled::Auto => roles.iter().any(|role| role.as_str() == ROLE),
            Enabled::On => true,
            Enabled::Off => false,
        };
        Ok(is_on.then_some(settings))
    }

    fn tls(&self) -> Result<Option<TlsFiles>, SettingsError> {
        let file = |path| {
            let text = self.at(path)?.as_str()?;
            Ok::<_, SettingsError>((text != "none").then(|| PathBuf::from(text)))
        };
        let certificate = file("conduct.ingress.tls.certificate")?;
        let key = file("conduct.ingress.tls.key")?;
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
            (Some(_), None) => Err(self.unfit("conduct.ingress.tls.key", NO_KEY)),
            (None, Some(_)) => Err(self.unfit("conduct.ingress.tls.certificate", NO_CERTIFICATE)),
        }
    }
}

const NO_KEY: &str = "a certificate is of no use without its key";
const NO_CERTIFICATE: &str = "a key is of no use without its certificate";

#[cfg(test)]
mod tests {
    use super::super::Sources;
    use super::*;

    fn read(overrides: &[&str]) -> Result<Option<IngressSettings>, String> {
        let sources = Sources {
            overrides: overrides.iter().map(|&text| text.to_owned()).collect(),
            ..Sources::default()
        };
        let effective = sources.read().map_err(|error| error.to_string())?;
        effective.ingress().map_err(|error| error.to_string())
    }

    #[test]
    fn a_node_takes_callers_in_by_its_role_or_by_word() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(
            read(&["conduct.ingress.enabled=off", "conduct.roles=[proxy]"]),
            Ok(None)
        );
        for on in ["conduct.ingress.enabled=on", "conduct.roles=[web, proxy]"] {
            let ingress = read(&[on, "conduct.ip=127.0.10.1"]).unwrap().unwrap();
            assert_eq!(ingress.ip, IpAddr::from([127, 0, 10, 1]));
            assert_eq!((ingress.port, ingress.https_port), (9000, None));
        }
    }

    #[test]
    fn https_needs_a_certificate_and_its_key() {
        let on = "conduct.ingress.enabled=on";
        let one = read(&[on, "conduct.ingress.tls.certificate=/x.pem"])
            .unwrap()
            .unwrap();
        assert_eq!(one.https_port, Some(9443));
        let tls = one.served.tls.unwrap();
        assert_eq!(tls.key, tls.certificate);
        let refused = read(&[on, "conduct.ingress.tls.key=/x.pem"]).unwrap_err();
        assert!(refused.contains(NO_CERTIFICATE), "{refused}");
    }

    #[test]
    fn wrong_settings_are_refused_though_there_is_no_ingress() {
        assert!(read(&["conduct.ingress.send-proxy=[0]"]).is_err());
        assert!(read(&["conduct.ingress.access-log=perhaps"]).is_err());
        assert!(read(&["conduct.ingress.port=70000"]).is_err());
    }
}
