//! The builders of the objects in requests: constructors, setters and conversions.

use std::fmt::Write as _;

use crate::model::{Field, Kind, Type};
use crate::names;
use crate::write::{Writer, keyword};

/// The groups of fields in `builders!`, in order.
const GROUPS: [&str; 10] = [
    "constants",
    "optional_constants",
    "required",
    "required_plain",
    "required_lists",
    "plain",
    "numbers",
    "optional",
    "lists",
    "maps",
];

impl Writer<'_> {
    /// Writes the builders of those types of `here` that are part of a request.
    pub(crate) fn builders(&self, out: &mut String, here: &[usize]) {
        let mut blocks = Vec::new();
        for at in here.iter().filter(|at| self.sent.contains(at)) {
            let Kind::Struct(fields) = &self.defs[*at].kind else { continue };
            let mut fields: Vec<&Field> = fields.iter().collect();
            fields.sort_by_key(|field| names::order(&field.name));
            let mut block = format!("    {} {{\n", self.defs[*at].ident());
            for name in GROUPS {
                let inner = fields.iter().filter(|field| group(field) == name);
                let inner: Vec<String> = inner.map(|field| self.built(field)).collect();
                let _ = match &inner[..] {
                    [] => Ok(()),
                    [one] => writeln!(block, "        {name} {{ {one}, }}"),
                    many => {
                        let lines: String = many.iter().map(|one| format!("            {one},\n")).collect();
                        writeln!(block, "        {name} {{\n{lines}        }}")
                    }
                };
            }
            block.push_str("    }\n");
            blocks.push(block);
        }
        self.invoke(out, "crate::request::build::builders!", &blocks);
    }

    fn built(&self, field: &Field) -> String {
        let name = names::of_field(&field.name);
        let name = if keyword(&name) { format!("r#{name}") } else { name };
        match (&field.constant, &field.r#type) {
            (Some(constant), _) if group(field).ends_with("constants") => format!("{name}: \"{constant}\""),
            (_, Type::Number) => name,
            (_, Type::List(inner)) => format!("{name}: {}", self.name(inner)),
            (_, Type::Map(inner)) if group(field) == "maps" => format!("{name}: {}", self.name(inner)),
            (_, r#type) => format!("{name}: {}", self.name(r#type)),
        }
    }

    /// Writes the conversions into those unions of `here` that are part of a request.
    pub(crate) fn conversions(&self, out: &mut String, here: &[usize]) {
        let mut blocks = Vec::new();
        for at in here.iter().filter(|at| self.sent.contains(at)) {
            let Kind::Union(variants) = &self.defs[*at].kind else { continue };
            let (mut texts, mut lists, mut values) = (String::new(), String::new(), String::new());
            for variant in variants {
                let r#type = self.name(&variant.r#type);
                match (&variant.r#type, variant.shape) {
                    (Type::List(item), _) => {
                        lists = format!("        lists {{ {}: {}, }}\n", variant.name, self.name(item));
                        continue;
                    }
                    (_, Some("string")) => texts = format!("        texts {{ {}, }}\n", variant.name),
                    _ => {}
                }
                let unique = variants.iter().filter(|other| other.r#type == variant.r#type).count() == 1;
                let own = !matches!(variant.r#type, Type::String | Type::Value);
                if unique && own {
                    let _ = writeln!(values, "            {}: {type},", variant.name);
                }
            }
            if !values.is_empty() {
                values = format!("        values {{\n{values}        }}\n");
            }
            blocks.push(format!("    {} {{\n{texts}{lists}{values}    }}\n", self.defs[*at].ident()));
        }
        self.invoke(out, "crate::request::build::conversions!", &blocks);
    }

    fn invoke(&self, out: &mut String, r#macro: &str, blocks: &[String]) {
        if blocks.is_empty() {
            return;
        }
        if out.ends_with("}\n") {
            out.push('\n');
        }
        let _ = write!(out, "{macro} {{\n{}}}\n", blocks.join("\n"));
    }
}

/// Returns which of the [`GROUPS`] a field is in.
fn group(field: &Field) -> &'static str {
    match (&field.constant, &field.r#type, field.optional) {
        (Some(_), _, false) => "constants",
        (Some(_), _, true) if field.name == "type" => "optional_constants",
        // The constructor determines the type of an object.
        (_, _, true) if field.name == "type" => "none",
        (_, Type::List(_), false) => "required_lists",
        (_, Type::Bool | Type::U64 | Type::U32 | Type::I64, false) => "required_plain",
        (_, _, false) => "required",
        (_, Type::Bool | Type::U64 | Type::U32 | Type::I64, true) => "plain",
        (_, Type::Number, true) => "numbers",
        (_, Type::List(_), true) => "lists",
        (_, Type::Map(_), true) => "maps",
        _ => "optional",
    }
}
