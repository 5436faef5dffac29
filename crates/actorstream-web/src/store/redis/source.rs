//! `Source`: the origin of connections: a server, a cluster, or the primary that sentinels report.

use std::sync::{Arc, Mutex, PoisonError};

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, Pipeline, ProtocolVersion, PushInfo, RedisError,
    RedisFuture, RedisResult, TlsCertificates, ToRedisArgs, Value,
};

use super::link::{RedisTimeouts, config};

/// The origin of connections.
#[derive(Clone)]
pub(super) struct Source {
    info: ConnectionInfo,
    ca: Option<Arc<[u8]>>,
    /// The name of the primary among those that the sentinels monitor, if the URL has one.
    primary: Option<String>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Server,
    Cluster,
    Sentinels(Arc<Sentinels>),
}

/// The known sentinels, and the primary that they monitor.
struct Sentinels {
    name: String,
    addresses: Mutex<Vec<ConnectionAddr>>,
}

/// Called with the push messages of Redis.
pub(super) trait Receive: Fn(PushInfo) + Clone + Send + Sync + 'static {}
impl<F: Fn(PushInfo) + Clone + Send + Sync + 'static> Receive for F {}

/// A connection to a server, or to all nodes of a cluster.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Source {
    pub(super) fn new(info: ConnectionInfo, ca: Option<Vec<u8>>, primary: Option<String>) -> Self {
        Self { info, ca: ca.map(Arc::from), primary, kind: Kind::Server }
    }

    /// Returns the connection parameters of the URL.
    pub(super) fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// Returns whether it is a cluster, whose keys are on several nodes.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.kind, Kind::Cluster)
    }

    /// Returns the address in the URL.
    pub(super) fn address(&self) -> &ConnectionAddr {
        self.info.addr()
    }

    /// Asks the server at the URL for its kind. One that does not answer this counts as a plain server.
    ///
    /// # Errors
    /// If it is a sentinel that monitors several primaries, or none of this name.
    pub(super) async fn find_out(mut self, timeouts: RedisTimeouts) -> Result<Self, String> {
        let modes = async |info: &ConnectionInfo| {
            let mut connection =
                self.client(info)?.get_multiplexed_async_connection_with_config(&config(timeouts)).await?;
            let said: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
            Ok::<_, RedisError>((connection, said))
        };
        let found = match modes(&self.info).await {
            // Sentinels seldom have the servers' user and password.
            Err(error) if error.kind() == ErrorKind::AuthenticationFailed || error.code().is_some() => {
                modes(&without_login(&self.info)).await
            }
            found => found,
        };
        // The connect that follows reports any error.
        let Ok((mut connection, said)) = found else { return Ok(self) };
        // Valkey calls the field `server_mode`.
        let field = |name: &str| said.lines().find_map(|line| line.strip_prefix(name));
        match field("redis_mode:").or_else(|| field("server_mode:")).unwrap_or_default().trim() {
            "cluster" => self.kind = Kind::Cluster,
            "sentinel" => {
                let name = match &self.primary {
                    Some(name) => name.clone(),
                    None => only_primary(&mut connection).await?,
                };
                let addresses = Mutex::new(vec![self.info.addr().clone()]);
                let sentinels = Sentinels { name, addresses };
                self.kind = Kind::Sentinels(Arc::new(sentinels));
            }
            _ => {}
        }
        Ok(self)
    }

    /// Connects to Redis.
    pub(super) async fn connect(&self, timeouts: RedisTimeouts) -> RedisResult<Connection> {
        self.connect_with(timeouts, None::<fn(PushInfo)>).await
    }

    /// Connects, and passes the push messages of Redis to `receive`.
    pub(super) async fn connect_with<R: Receive>(
        &self,
        timeouts: RedisTimeouts,
        receive: Option<R>,
    ) -> RedisResult<Connection> {
        let receive = receive.map(|receive| {
            move |push: PushInfo| {
                receive(push);
                Ok::<_, redis::aio::SendError>(())
            }
        });
        if let Kind::Cluster = self.kind {
            let mut builder = ClusterClient::builder([self.info.clone()])
                .use_protocol(ProtocolVersion::RESP3)
                .tcp_settings(TcpSettings::default().set_nodelay(true))
                .connection_timeout(timeouts.answer)
                .response_timeout(timeouts.answer)
                .retries(CLUSTER_RETRIES);
            if let Some(ca) = &self.ca {
                builder = builder.certs(TlsCertificates { client_tls: None, root_cert: Some(ca.to_vec()) });
            }
            if let Some(receive) = receive {
                builder = builder.push_sender(receive);
            }
            return builder.build()?.get_async_connection().await.map(Connection::Cluster);
        }
        let mut config = config(timeouts);
        if let Some(receive) = receive {
            config = config.set_push_sender(receive);
        }
        let info = match &self.kind {
            Kind::Sentinels(sentinels) => {
                self.info.clone().set_addr(self.primary(sentinels, timeouts).await?)
            }
            _ => self.info.clone(),
        };
        self.client(&info)?
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map(Connection::Server)
    }

    /// Returns whether the sentinels report another primary than `before`. Does not wait for sentinels that do not
    /// answer.
    pub(super) async fn has_moved(&self, timeouts: RedisTimeouts, before: &mut Option<String>) -> bool {
        let Kind::Sentinels(sentinels) = &self.kind else { return false };
        let Ok(now) = self.primary(sentinels, timeouts).await else { return false };
        let now = now.to_string();
        let moved = before.as_ref().is_some_and(|before| *before != now);
        *before = Some(now);
        moved
    }

    /// Returns the address of the primary, from the first sentinel that knows it.
    async fn primary(&self, sentinels: &Sentinels, timeouts: RedisTimeouts) -> RedisResult<ConnectionAddr> {
        let known = || sentinels.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let addresses = known().clone();
        let mut last = None;
        for address in &addresses {
            match self.ask(address, sentinels, timeouts).await {
                Ok((primary, others)) => {
                    let mut known = known();
                    // The sentinel that answered is asked first the next time.
                    known.retain(|other| other != address);
                    known.insert(0, address.clone());
                    for other in others {
                        if !known.contains(&other) && known.len() < MOST_SENTINELS {
                            known.push(other);
                        }
                    }
                    return Ok(primary);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| RedisError::from((ErrorKind::Io, "no sentinel is known"))))
    }

    /// Asks a sentinel for the address of the primary, and for the other sentinels.
    async fn ask(
        &self,
        address: &ConnectionAddr,
        sentinels: &Sentinels,
        timeouts: RedisTimeouts,
    ) -> RedisResult<(ConnectionAddr, Vec<ConnectionAddr>)> {
        let info = self.info.clone().set_addr(address.clone());
        let config = config(timeouts);
        let plain = self.client(&without_login(&info))?;
        let mut connection = plain.get_multiplexed_async_connection_with_config(&config).await?;
        let command = |what: &str| {
            let mut command = redis::cmd("SENTINEL");
            command.arg(what).arg(&sentinels.name);
            command
        };
        let mut answer = command("GET-MASTER-ADDR-BY-NAME").query_async(&mut connection).await;
        if answer.as_ref().is_err_and(|error: &RedisError| error.code() == Some("NOAUTH")) {
            connection = self.client(&info)?.get_multiplexed_async_connection_with_config(&config).await?;
            answer = command("GET-MASTER-ADDR-BY-NAME").query_async(&mut connection).await;
        }
        let found: Option<(String, u16)> = answer?;
        let (host, port) =
            found.ok_or_else(|| RedisError::from((ErrorKind::Io, "the sentinel knows no such primary")))?;
        let others: Vec<Vec<String>> =
            command("SENTINELS").query_async(&mut connection).await.unwrap_or_default();
        let others = others.iter().filter_map(|fields| {
            let field =
                |name: &str| fields.chunks(2).find(|pair| pair[0] == name).map(|pair| pair[1].clone());
            Some(self.at(field("ip")?, field("port")?.parse().ok()?))
        });
        Ok((self.at(host, port), others.collect()))
    }

    /// Returns the address of another host with the same kind of connection.
    fn at(&self, host: String, port: u16) -> ConnectionAddr {
        match self.info.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            _ => ConnectionAddr::Tcp(host, port),
        }
    }

    fn client(&self, info: &ConnectionInfo) -> RedisResult<Client> {
        match &self.ca {
            Some(ca) => Client::build_with_tls(
                info.clone(),
                TlsCertificates { client_tls: None, root_cert: Some(ca.to_vec()) },
            ),
            None => Client::open(info.clone()),
        }
    }
}

/// The maximum number of times that a command is sent to another node of a cluster.
const CLUSTER_RETRIES: u32 = 3;
/// The maximum number of remembered sentinels.
const MOST_SENTINELS: usize = 32;

/// Returns the same address without user and password.
fn without_login(info: &ConnectionInfo) -> ConnectionInfo {
    let settings = redis::RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
    info.clone().set_redis_settings(settings.set_skip_set_lib_name())
}

/// Returns the only primary that a sentinel monitors.
async fn only_primary(connection: &mut MultiplexedConnection) -> Result<String, String> {
    let primaries: Vec<Value> = redis::cmd("SENTINEL")
        .arg("MASTERS")
        .query_async(connection)
        .await
        .map_err(|error| error.to_string())?;
    let names = primaries.into_iter().filter_map(|fields| {
        let fields: std::collections::HashMap<String, String> = redis::from_redis_value(fields).ok()?;
        fields.get("name").cloned()
    });
    let mut names: Vec<String> = names.collect();
    match names.len() {
        1 => Ok(names.remove(0)),
        0 => Err("the sentinel monitors no primary".to_owned()),
        _ => {
            names.sort();
            Err(format!("the sentinel monitors {}: name one with ?primary=NAME", names.join(", ")))
        }
    }
}

impl Connection {
    pub(super) async fn subscribe(&mut self, channels: impl ToRedisArgs) -> RedisResult<()> {
        match self {
            Self::Server(connection) => connection.subscribe(channels).await,
            Self::Cluster(connection) => connection.subscribe(channels).await,
        }
    }

    pub(super) async fn unsubscribe(&mut self, channels: impl ToRedisArgs) -> RedisResult<()> {
        match self {
            Self::Server(connection) => connection.unsubscribe(channels).await,
            Self::Cluster(connection) => connection.unsubscribe(channels).await,
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match &self.kind {
            Kind::Server => "server",
            Kind::Cluster => "cluster",
            Kind::Sentinels(_) => "sentinels",
        };
        f.debug_struct("Source").field("address", &self.info.addr().to_string()).field("kind", &kind).finish()
    }
}
