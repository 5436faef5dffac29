use actorstream::streaming_client;

struct Mine;

#[streaming_client]
impl Mine {}

#[streaming_client]
impl Clone for Mine {
    fn clone(&self) -> Self {
        Mine
    }
}

fn main() {}
