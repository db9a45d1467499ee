//! S17: nothing changes because of a packet that no member sealed in this session.

use super::Report;
use crate::watch::Fact;

const NAME: &str = "s17_authenticated_only";

pub(crate) fn fact(fact: &Fact<'_>, report: &mut Report<'_>) {
    if let Fact::Admitted { host, forgery } = fact {
        report.object(
            NAME,
            format!(
                "n{host} took a packet that was {}",
                match forgery {
                    crate::network::Forgery::Replay => "sent again by somebody else",
                    crate::network::Forgery::Forged => "made up",
                    crate::network::Forgery::Flipped => "changed on its way",
                }
            ),
        );
    }
}
