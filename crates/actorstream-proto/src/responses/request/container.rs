//! Tools that run code and commands, and where they run them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::function::ToolCaller;
use crate::chat::request::body::{null_as_default, setters};
use crate::string_enum::string_enum;

/// Runs Python.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeInterpreterTool {
    /// Where it runs.
    pub container: CodeInterpreterContainer,
    /// What may call the tool. The model alone if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub allowed_callers: Vec<ToolCaller>,
}

impl CodeInterpreterTool {
    /// Python in `container`; the identifier of a container converts into one.
    pub fn new(container: impl Into<CodeInterpreterContainer>) -> Self {
        Self { container: container.into(), allowed_callers: Vec::new() }
    }

    /// Adds something that may call the tool.
    #[must_use]
    pub fn allow_caller(mut self, caller: impl Into<ToolCaller>) -> Self {
        self.allowed_callers.push(caller.into());
        self
    }
}

/// Where Python runs. A string, the identifier of a container, converts into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum CodeInterpreterContainer {
    /// In a container that the server makes.
    Auto {
        /// Uploaded files to have in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
        file_ids: Vec<String>,
        /// How much memory it has. `1g` if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory_limit: Option<MemoryLimit>,
        /// What it reaches on the network.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        network_policy: Option<NetworkPolicy>,
    },
    /// In the container with this identifier.
    #[serde(untagged)]
    Id(String),
    /// In another one, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl CodeInterpreterContainer {
    /// A container that the server makes, with these uploaded files in it.
    pub fn with_files<S: Into<String>>(file_ids: impl IntoIterator<Item = S>) -> Self {
        let file_ids = file_ids.into_iter().map(Into::into).collect();
        Self::Auto { file_ids, memory_limit: None, network_policy: None }
    }
}

impl Default for CodeInterpreterContainer {
    fn default() -> Self {
        Self::Auto { file_ids: Vec::new(), memory_limit: None, network_policy: None }
    }
}

impl From<&str> for CodeInterpreterContainer {
    fn from(id: &str) -> Self {
        Self::Id(id.to_owned())
    }
}

impl From<String> for CodeInterpreterContainer {
    fn from(id: String) -> Self {
        Self::Id(id)
    }
}

string_enum! {
    /// How much memory a container has.
    #[derive(Default)]
    pub enum MemoryLimit {
        /// 1 GB, the default.
        #[default]
        Gb1 = "1g",
        /// 4 GB.
        Gb4 = "4g",
        /// 16 GB.
        Gb16 = "16g",
        /// 64 GB.
        Gb64 = "64g",
    }
}

/// What a container reaches on the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum NetworkPolicy {
    /// Nothing.
    Disabled {},
    /// Some domains.
    Allowlist {
        /// The domains.
        allowed_domains: Vec<String>,
        /// Secrets that go to these domains only.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
        domain_secrets: Vec<DomainSecret>,
    },
    /// Another policy, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl NetworkPolicy {
    /// Nothing is reached.
    #[must_use]
    pub fn disabled() -> Self {
        Self::Disabled {}
    }

    /// These domains are reached.
    pub fn allow<S: Into<String>>(domains: impl IntoIterator<Item = S>) -> Self {
        Self::Allowlist {
            allowed_domains: domains.into_iter().map(Into::into).collect(),
            domain_secrets: Vec::new(),
        }
    }
}

/// A secret that goes to one domain only. `Debug` hides it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainSecret {
    /// The domain.
    pub domain: String,
    /// The name of the secret in the container.
    pub name: String,
    /// The secret.
    pub value: String,
}

impl fmt::Debug for DomainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DomainSecret")
            .field("domain", &self.domain)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Runs commands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShellTool {
    /// Where they run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<ShellEnvironment>,
    /// What may call the tool. The model alone if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub allowed_callers: Vec<ToolCaller>,
}

impl ShellTool {
    /// Commands, run in a place yet to be set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds something that may call the tool.
    #[must_use]
    pub fn allow_caller(mut self, caller: impl Into<ToolCaller>) -> Self {
        self.allowed_callers.push(caller.into());
        self
    }

    setters! {
        value {
            /// Sets where they run.
            environment: ShellEnvironment,
        }
        into {}
    }
}

/// Where commands run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ShellEnvironment {
    /// In a container that the server makes.
    ContainerAuto {
        /// Uploaded files to have in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
        file_ids: Vec<String>,
        /// How much memory it has. `1g` if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory_limit: Option<MemoryLimit>,
        /// What it reaches on the network.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        network_policy: Option<NetworkPolicy>,
        /// The skills in it, stored ones (`skill_reference`) or given here (`inline`).
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
        skills: Vec<Value>,
    },
    /// In a container made before.
    ContainerReference {
        /// Its identifier.
        container_id: String,
    },
    /// Where the application carries them out.
    Local {
        /// The skills there, each by `name`, `description` and `path`.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
        skills: Vec<Value>,
    },
    /// In another place, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl ShellEnvironment {
    /// In a container that the server makes.
    #[must_use]
    pub fn container() -> Self {
        Self::ContainerAuto {
            file_ids: Vec::new(),
            memory_limit: None,
            network_policy: None,
            skills: Vec::new(),
        }
    }

    /// In the container made before that is called `container_id`.
    pub fn container_reference(container_id: impl Into<String>) -> Self {
        Self::ContainerReference { container_id: container_id.into() }
    }

    /// Where the application carries them out.
    #[must_use]
    pub fn local() -> Self {
        Self::Local { skills: Vec::new() }
    }
}
