//! What an entry carries besides its bytes: a time of two-second steps and permission bits.

/// A time as zip files have it: local, without zone, in steps of two seconds, from 1980 to 2107.
/// Ours are always UTC, so that equal input gives equal bytes wherever it is packed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Stamp {
    unix_secs: i64,
}

/// Who may read, write and execute. Nothing else of a Unix mode is ever kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Mode(u16);

impl Stamp {
    /// 2 January 1980: what everything gets that has no time of its own. A day after the format's
    /// first, so that no time zone can push it before that.
    pub const EARLIEST: Stamp = Stamp {
        unix_secs: 315_619_200,
    };
    const LATEST: Stamp = Stamp {
        unix_secs: 4_354_819_198,
    };

    /// The nearest time that the format can say.
    pub fn from_unix_secs(secs: i64) -> Stamp {
        Stamp {
            unix_secs: secs.clamp(Stamp::EARLIEST.unix_secs, Stamp::LATEST.unix_secs) & !1,
        }
    }

    /// Seconds since 1970.
    pub const fn unix_secs(self) -> i64 {
        self.unix_secs
    }

    /// The two fields of a zip header: time, then date.
    pub(crate) fn to_dos(self) -> (u16, u16) {
        let (days, secs) = (self.unix_secs / 86_400, self.unix_secs % 86_400);
        let (year, month, day) = civil_from_days(days);
        let time = (secs / 3600) << 11 | (secs / 60 % 60) << 5 | (secs % 60 / 2);
        let date = (year - 1980) << 9 | month << 5 | day;
        (time as u16, date as u16)
    }

    /// Reads the two fields, whatever nonsense they hold.
    pub(crate) fn from_dos(time: u16, date: u16) -> Stamp {
        let (time, date) = (i64::from(time), i64::from(date));
        let days = days_from_civil(1980 + (date >> 9), (date >> 5 & 15).clamp(1, 12), date & 31);
        let secs = (time >> 11) * 3600 + (time >> 5 & 63) * 60 + (time & 31) * 2;
        Stamp::from_unix_secs(days * 86_400 + secs)
    }
}

impl Mode {
    /// A file: everybody reads, the owner writes.
    pub const FILE: Mode = Mode(0o644);
    /// A program or a folder: everybody reads and enters, the owner writes.
    pub const PROGRAM: Mode = Mode(0o755);

    /// Keeps the nine permission bits of `mode`; set-user-id and the like are dropped.
    pub const fn from_unix(mode: u32) -> Mode {
        Mode((mode & 0o777) as u16)
    }

    /// The nine bits.
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// [`Mode::PROGRAM`] if anybody may execute it, else [`Mode::FILE`]. The rest is the umask of
    /// whoever checked the file out, and must not change a digest.
    #[must_use]
    pub const fn plain(self) -> Mode {
        if self.0 & 0o111 == 0 {
            Mode::FILE
        } else {
            Mode::PROGRAM
        }
    }
}

/// Year, month and day of the day `days` after 1 January 1970 in the Gregorian calendar. Years
/// begin in March here, so that the leap day is a year's last.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The reverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let march_month = (month + 9) % 12;
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_outside_of_what_zip_can_say_are_pulled_in() {
        assert_eq!(Stamp::from_unix_secs(0), Stamp::EARLIEST);
        assert_eq!(Stamp::from_unix_secs(i64::MIN), Stamp::EARLIEST);
        assert_eq!(Stamp::EARLIEST.to_dos(), (0, 1 << 5 | 2));
        let (time, date) = Stamp::from_unix_secs(i64::MAX).to_dos();
        assert_eq!(
            (time, date),
            (23 << 11 | 59 << 5 | 29, 127 << 9 | 12 << 5 | 31)
        );
    }

    #[test]
    fn a_time_reads_back_to_two_seconds() {
        for secs in [
            315_619_200,
            951_782_399,
            951_868_800,
            1_795_262_501,
            4_107_542_399,
        ] {
            let stamp = Stamp::from_unix_secs(secs);
            let (time, date) = stamp.to_dos();
            assert_eq!(Stamp::from_dos(time, date), stamp);
            assert_eq!(stamp.unix_secs(), secs & !1);
        }
        // 21 November 2026, 08:15:02 UTC.
        let (time, date) = Stamp::from_unix_secs(1_795_248_902).to_dos();
        assert_eq!((date >> 9, date >> 5 & 15, date & 31), (46, 11, 21));
        assert_eq!((time >> 11, time >> 5 & 63, (time & 31) * 2), (8, 15, 2));
    }

    #[test]
    fn only_permission_bits_survive() {
        assert_eq!(Mode::from_unix(0o104_755).bits(), 0o755);
        assert_eq!(Mode::from_unix(0o640).plain(), Mode::FILE);
        assert_eq!(Mode::from_unix(0o710).plain(), Mode::PROGRAM);
    }
}
