//! The imports of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::files::FILES;
use crate::model::{Kind, Type};
use crate::write::{Writer, last};

/// The maximum length of a line of imports.
const IMPORT_WIDTH: usize = 110;

/// Returns the types that the source of a type names; for the maps of a request, only those of the values.
fn named(kind: &Kind) -> Vec<&Type> {
    let Kind::Request(fields) = kind else { return kind.types() };
    let types = fields.iter().map(|field| match &field.r#type {
        Type::Map(value) if field.optional => value,
        r#type => r#type,
    });
    types.collect()
}

/// Wraps a list of names.
fn wrapped(line: String) -> String {
    if line.len() <= IMPORT_WIDTH {
        return line;
    }
    let (start, rest) = line.split_once('{').unwrap_or((&line, ""));
    let mut lines = vec![format!("{start}{{"), "   ".to_owned()];
    for name in rest.trim_end_matches("};").split(", ") {
        let last = lines.len() - 1;
        if lines[last].len() + name.len() + " ,".len() > IMPORT_WIDTH {
            lines.push("   ".to_owned());
        }
        if let Some(last) = lines.last_mut() {
            let _ = write!(last, " {name},");
        }
    }
    lines.push("};".to_owned());
    lines.join("\n")
}

impl Writer<'_> {
    /// Returns the `use` lines of a file with these types.
    pub(crate) fn imports(&self, here: &[usize], file_at: usize) -> String {
        let (mut outside, mut near, mut far) =
            (BTreeSet::new(), false, BTreeMap::<String, BTreeSet<&str>>::new());
        let mut types: Vec<&Type> = here.iter().flat_map(|at| named(&self.defs[*at].kind)).collect();
        while let Some(r#type) = types.pop() {
            match r#type {
                Type::Text => drop(outside.insert("use crate::json::text::Text;")),
                Type::Number => drop(outside.insert("use serde_json::Number;")),
                Type::Value => drop(outside.insert("use serde_json::Value;")),
                Type::FreeObject => {
                    outside.insert("use serde_json::Map;");
                    outside.insert("use serde_json::Value;");
                }
                Type::Map(inner) => {
                    outside.insert("use std::collections::BTreeMap;");
                    types.push(inner);
                }
                Type::List(inner) => types.push(inner),
                Type::Deferred(inner) => {
                    outside.insert("use crate::json::deferred::Deferred;");
                    types.push(inner);
                }
                // The macro of such a request names the type itself.
                image if image.is_image() => {}
                Type::External(path) => {
                    let module = &path[..path.len() - last(path).len() - "::".len()];
                    far.entry(module.to_owned()).or_default().insert(last(path));
                }
                Type::Def(def) => {
                    let (there, here) = (&FILES[self.files[*def]], &FILES[file_at]);
                    if there.module() != here.module() {
                        let module = format!("crate::api::{}", there.module());
                        far.entry(module).or_default().insert(self.defs[*def].ident());
                    } else if there.path != here.path {
                        near = true;
                    }
                }
                _ => {}
            }
        }
        let json: Vec<&str> = outside
            .iter()
            .filter_map(|line| line.strip_prefix("use serde_json::"))
            .map(|name| &name[..name.len() - 1])
            .collect();
        let mut groups = vec![Vec::new(), Vec::new(), Vec::new()];
        groups[0].extend(outside.iter().filter(|line| line.starts_with("use std")).map(ToString::to_string));
        match &json[..] {
            [] => {}
            [one] => groups[1].push(format!("use serde_json::{one};")),
            many => groups[1].push(format!("use serde_json::{{{}}};", many.join(", "))),
        }
        for (module, names) in far {
            let names: Vec<&str> = names.into_iter().collect();
            let names = match &names[..] {
                [one] => (*one).to_owned(),
                many => format!("{{{}}}", many.join(", ")),
            };
            groups[2].push(wrapped(format!("use {module}::{names};")));
        }
        groups[2]
            .extend(outside.iter().filter(|line| line.starts_with("use crate")).map(ToString::to_string));
        let mut imports = String::new();
        for group in
            groups.into_iter().chain([near.then(|| "use super::*;".to_owned()).into_iter().collect()])
        {
            for line in &group {
                let _ = writeln!(imports, "{line}");
            }
            if !group.is_empty() {
                imports.push('\n');
            }
        }
        imports
    }
}
