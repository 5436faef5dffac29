//! Accessors of the fields that the variants of an enum share.

use std::fmt::Write as _;

use crate::model::{Field, Kind, Variant};
use crate::write::{Writer, doc};

/// The fields that many events share, for which the enum of events gets an accessor.
const SHARED: &[(&str, &str, &str)] = &[
    ("sequence_number", "u64", "The number of the event in the stream, if the server counts."),
    ("item_id", "&str", "The id of the item that the event is about."),
    ("output_index", "u64", "Which item of the output the event is about, from 0."),
    ("content_index", "u64", "Which part of the item the event is about, from 0."),
];

impl Writer<'_> {
    /// Writes the accessors of the shared fields of a stream's events.
    pub(crate) fn accessors(&self, out: &mut String, at: usize) {
        let Kind::Union(variants) = &self.defs[at].kind else { return };
        let mut methods = String::new();
        for (name, r#type, about) in SHARED {
            let having: Vec<(&Variant, &Field)> =
                variants.iter().filter_map(|variant| Some((variant, self.field(variant, name)?))).collect();
            if having.is_empty() {
                continue;
            }
            if !methods.is_empty() {
                methods.push('\n');
            }
            doc(&mut methods, 1, about);
            let _ = writeln!(methods, "    pub fn {name}(&self) -> Option<{type}> {{\n        match self {{");
            for (variant, field) in &having {
                let value = match (field.optional, *r#type) {
                    (true, "&str") => format!("event.{name}.as_deref()"),
                    (true, _) => format!("event.{name}"),
                    (false, "&str") => format!("Some(&event.{name})"),
                    (false, _) => format!("Some(event.{name})"),
                };
                let _ = writeln!(methods, "            Self::{}(event) => {value},", variant.name);
            }
            if having.len() == variants.len() {
                let _ =
                    writeln!(methods, "            Self::Unknown(event) => event.get(\"{name}\")?.as_u64(),");
            } else {
                let _ = writeln!(methods, "            _ => None,");
            }
            methods.push_str("        }\n    }\n");
        }
        if !methods.is_empty() {
            let _ = write!(out, "\nimpl {} {{\n{methods}}}\n", self.defs[at].name);
        }
    }

    /// Writes the accessor of an item's id.
    pub(crate) fn accessors_of_items(&self, out: &mut String, at: usize) {
        let Kind::Union(variants) = &self.defs[at].kind else { return };
        let _ = writeln!(out, "\nimpl {} {{", self.defs[at].name);
        doc(out, 1, "The id of the item.");
        out.push_str("    pub fn id(&self) -> Option<&str> {\n        match self {\n");
        for variant in variants {
            let Some(field) = self.field(variant, "id") else { continue };
            let value = if field.optional { "item.id.as_deref()" } else { "Some(&item.id)" };
            let _ = writeln!(out, "            Self::{}(item) => {value},", variant.name);
        }
        out.push_str("            Self::Unknown(item) => item.get(\"id\")?.as_str(),\n        }\n    }\n}\n");
    }

    fn field(&self, variant: &Variant, name: &str) -> Option<&Field> {
        match &self.defs[variant.r#type.def()?].kind {
            Kind::Struct(fields) => fields.iter().find(|field| field.name == name),
            _ => None,
        }
    }
}
