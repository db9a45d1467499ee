//! Every number of the detector, by its name.

use conduct_model::Span;

/// How fast a cluster looks and judges. All nodes of one cluster use the same profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// One member is probed per period, whatever the size of the cluster.
    pub probe_every: Span,
    /// How long an answer may take before the probe is sent again and others are asked to try.
    pub answer_within: Span,
    /// Between one re-send and the next.
    pub resend_every: Span,
    /// A lost packet is likelier than a lost node, and a re-send cheaper than a suspicion.
    pub resends: u8,
    /// How many others are asked to probe in our place.
    pub relays: usize,
    /// When one who was asked to try says that it got no answer: early enough for the verdict of
    /// the round to count on it.
    pub nack_after: Span,
    /// When a probe without any answer counts as failed.
    pub round: Span,
    /// Until then an answer still counts as a round trip, though too late for its probe.
    pub late_answer_within: Span,
    /// *Connecting* is neither success nor failure for this long.
    pub connect_within: Span,

    /// Between two gossip ticks while there is something to tell.
    pub gossip_every: Span,
    /// Whom one tick tells.
    pub fan_out: usize,
    /// An update is sent this many times ⌈log10(N + 1)⌉: half as often again as where all are told
    /// alike, because part of it reaches voters that hear it from everybody.
    pub retransmit_factor: u32,

    /// The shortest suspicion lasts this many probe periods times log10 of the members.
    pub suspicion_factor: u64,
    /// The longest one lasts this many times the shortest.
    pub suspicion_stretch: u64,
    /// Independent accusers, beyond the first, that bring a suspicion down to its shortest.
    pub confirmations: usize,
    /// Whoever was heard directly within this span is not believed to be gone on hearsay.
    pub first_hand: Span,

    /// From *unreachable* to *down*.
    pub hold_down: Span,
    /// From the kernel's hint to *down*.
    pub restart_wait: Span,
    /// Probes that confirm a hint.
    pub hint_probes: u8,
    /// Between two of them.
    pub hint_probe_every: Span,
    /// Opinions and votes about the absent are told again after this.
    pub judge_every: Span,
    /// An opinion older than this no longer counts.
    pub opinion_fresh: Span,
    /// A vote that stood this long without a verdict is followed by the other voters.
    pub vote_followed_after: Span,
    /// The dead are probed too, one per period: so that what was cut grows together again.
    pub dead_probe_every: Span,

    /// How old majority contact may be.
    pub contact_window: Span,
    /// Contact older than this is a doubt: the roll is called before the window ends.
    pub contact_doubt: Span,
    /// A node without a vote probes a voter at least this often,
    pub voter_probe_every: Span,
    /// and every other time while its contact is older than this.
    pub contact_old: Span,
    /// Who did not answer the roll is called once more after this.
    pub roll_resend: Span,
    /// When the roll is counted.
    pub roll_verdict: Span,
    /// At most one roll-call out of doubt per span.
    pub roll_every: Span,
    /// How long a returning node waits for its state to be pulled before it calls the roll anew.
    pub sync_within: Span,

    /// An acceptor refuses to remove a voter that it heard from within this span.
    pub voter_heard: Span,
    /// One proposer's head start over the next.
    pub proposer_step: Span,
    /// How long a ballot may take.
    pub ballot_within: Span,

    /// A wake-up this late means that we stood still: nobody is judged for two rounds.
    pub pause_noticed: Span,
    /// A stand-still this long means quarantine until state was pulled again.
    pub pause_quarantine: Span,
    /// Rounds in which a node that stood still judges nobody.
    pub pause_rounds: u64,

    /// Returns within this span are counted together.
    pub flap_window: Span,
    /// Returns within the window that are believed at once.
    pub flaps_free: u8,
    /// A member that flaps counts as back only after this much quiet.
    pub flap_quiet: Span,

    /// Between two looks at what is rarely due.
    pub chores_every: Span,
    /// Between two greetings of a node that nobody has welcomed yet.
    pub greet_every: Span,
    /// A leaving voter that the others cannot release goes after this.
    pub leave_within: Span,
    /// What is down or left is remembered this long.
    pub forget_after: Span,
}

impl Profile {
    /// Nodes in one network, round trips of a few milliseconds.
    pub const LAN: Profile = Profile {
        probe_every: Span::millis(300),
        answer_within: Span::millis(100),
        resend_every: Span::millis(50),
        resends: 3,
        relays: 3,
        nack_after: Span::millis(150),
        round: Span::millis(300),
        late_answer_within: Span::millis(2_000),
        connect_within: Span::millis(1_000),
        gossip_every: Span::millis(100),
        fan_out: 3,
        retransmit_factor: 6,
        suspicion_factor: 4,
        suspicion_stretch: 4,
        confirmations: 2,
        first_hand: Span::millis(1_000),
        hold_down: Span::secs(5),
        restart_wait: Span::secs(15),
        hint_probes: 3,
        hint_probe_every: Span::millis(50),
        judge_every: Span::millis(500),
        opinion_fresh: Span::millis(1_200),
        vote_followed_after: Span::secs(3),
        dead_probe_every: Span::millis(500),
        contact_window: Span::secs(4),
        contact_doubt: Span::millis(3_400),
        voter_probe_every: Span::millis(1_500),
        contact_old: Span::millis(3_000),
        roll_resend: Span::millis(500),
        roll_verdict: Span::secs(1),
        roll_every: Span::secs(2),
        sync_within: Span::secs(5),
        voter_heard: Span::secs(2),
        proposer_step: Span::secs(1),
        ballot_within: Span::secs(1),
        pause_noticed: Span::millis(300),
        pause_quarantine: Span::secs(2),
        pause_rounds: 2,
        flap_window: Span::secs(30),
        flaps_free: 2,
        flap_quiet: Span::secs(10),
        chores_every: Span::millis(500),
        greet_every: Span::millis(300),
        leave_within: Span::secs(10),
        forget_after: Span::secs(24 * 3600),
    };

    /// Nodes apart: round trips of up to half a second. Detection is three times slower; the
    /// contact window stays below the leases' length, which is the same everywhere.
    pub const WAN: Profile = Profile {
        probe_every: Span::millis(1_000),
        answer_within: Span::millis(500),
        resend_every: Span::millis(100),
        nack_after: Span::millis(550),
        round: Span::millis(1_200),
        late_answer_within: Span::millis(3_000),
        connect_within: Span::millis(3_000),
        gossip_every: Span::millis(200),
        first_hand: Span::millis(3_000),
        hold_down: Span::secs(10),
        restart_wait: Span::secs(20),
        hint_probe_every: Span::millis(300),
        judge_every: Span::millis(1_000),
        opinion_fresh: Span::millis(3_000),
        vote_followed_after: Span::secs(6),
        contact_window: Span::secs(8),
        contact_doubt: Span::millis(5_500),
        voter_probe_every: Span::millis(3_000),
        contact_old: Span::millis(4_400),
        roll_resend: Span::millis(1_000),
        roll_verdict: Span::millis(2_500),
        roll_every: Span::secs(4),
        sync_within: Span::secs(10),
        voter_heard: Span::secs(5),
        proposer_step: Span::secs(3),
        ballot_within: Span::secs(3),
        pause_noticed: Span::millis(1_000),
        pause_quarantine: Span::secs(4),
        flap_window: Span::secs(60),
        flap_quiet: Span::secs(20),
        greet_every: Span::millis(1_000),
        leave_within: Span::secs(20),
        ..Profile::LAN
    };
}
