//! The relay and its peers as gateways: an upstream that stamps its events with the time, viewers that read the stamps, and
//! what the processes between them take meanwhile.

mod load;
mod processes;
mod upstream;
mod viewers;

pub use load::{Load, load};
pub use processes::{Processes, Used};
pub use upstream::serve;
pub use viewers::{Watched, watch};
