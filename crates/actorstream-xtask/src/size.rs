//! The size of types, which determines whether they are boxed.

use crate::model::{Kind, Type};
use crate::write::{LARGE, Writer};

impl Writer<'_> {
    /// Returns the approximate size of a value in bytes.
    pub(crate) fn size(&self, r#type: &Type) -> usize {
        match r#type {
            Type::Bool => 1,
            Type::U64 | Type::I64 | Type::U32 | Type::F64 | Type::Deferred(_) => 8,
            Type::Number => 16,
            Type::String | Type::List(_) | Type::Map(_) | Type::FreeObject => 24,
            Type::Value => 32,
            Type::Text => 40,
            Type::File | Type::External(_) => 80,
            Type::Def(def) => match &self.defs[*def].kind {
                Kind::Strings(_) => 24,
                Kind::Union(variants) => {
                    let sizes = variants.iter().map(|variant| self.size(&variant.r#type));
                    sizes.map(|size| if size > LARGE { 8 } else { size }).max().unwrap_or(0).max(32) + 8
                }
                Kind::Struct(fields) | Kind::Request(fields) => {
                    let sizes = fields.iter().map(|field| {
                        let tag =
                            usize::from(field.optional && matches!(field.r#type, Type::U64 | Type::I64)) * 8;
                        match self.size(&field.r#type) + tag {
                            size if size > 2 * LARGE && matches!(field.r#type, Type::Def(_)) => 8,
                            size => size,
                        }
                    });
                    16 + sizes.sum::<usize>()
                }
            },
        }
    }
}
