//! What stands in the rack: a machine's clock, disk, process table and archives, and the hands
//! that run instances on it.

mod archives;
mod clock;
mod disk;
mod hands;
mod processes;
mod program;
mod rack;

pub use archives::{Archive, Archives, Arrival};
pub use clock::Clock;
pub use disk::{Crash, Disk, DiskFault, Outcome, Synced};
pub use hands::{Hand, Hands, Phase};
pub use processes::{Pid, Process, Processes, What};
pub use program::{Ending, Fate, Herald, Opening, Plot, Program, dice_of, throw};
pub use rack::{Daemon, Machine, Pause, address_of, index_at, index_of, key_of, name_in, settled};
