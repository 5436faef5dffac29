//! Merges equal types, and names every type.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{Def, Kind, Type};
use crate::names;

/// Merges equal types, drops those to which nothing refers any more, and names the rest. Returns the types, and the
/// new index of each of `roots`.
///
/// # Errors
/// If two types would have the same name, or one type two names: describes which, and where they are.
pub fn merge(mut defs: Vec<Def>, roots: &[usize]) -> Result<(Vec<Def>, Vec<usize>), String> {
    share_values(&mut defs);
    let mut stands_for: Vec<usize> = (0..defs.len()).collect();
    loop {
        let mut first: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, def) in defs.iter().enumerate().filter(|(at, _)| stands_for[*at] == *at) {
            first.entry(signature(&def.name, &def.kind)).or_default().push(at);
            if let (Some(name), Kind::Strings(values)) = (listed(def).first(), &def.kind) {
                first.entry(format!("strings called {name} {values:?}")).or_default().push(at);
            }
        }
        let mut changed = false;
        for mut same in first.into_values().filter(|same| same.len() > 1) {
            // A type of the same name may just have been merged.
            same.retain(|at| stands_for[*at] == *at);
            let Some(best) = same.iter().copied().min_by_key(|at| rank(&defs[*at])) else { continue };
            for at in same.into_iter().filter(|at| *at != best) {
                stands_for[at] = best;
                let places = std::mem::take(&mut defs[at].places);
                defs[best].places.extend(places);
                changed = true;
            }
        }
        if !changed {
            break;
        }
        let representative = |mut at: usize| {
            while stands_for[at] != at {
                at = stands_for[at];
            }
            at
        };
        for def in &mut defs {
            def.kind.types_mut().into_iter().for_each(|r#type| r#type.map_def(&representative));
        }
    }
    let find = |mut at: usize| {
        while stands_for[at] != at {
            at = stands_for[at];
        }
        at
    };
    let roots: Vec<usize> = roots.iter().map(|root| find(*root)).collect();
    // In the order of first use.
    let mut order = Vec::new();
    for root in &roots {
        visit(&defs, *root, &mut order);
    }
    let place: HashMap<usize, usize> = order.iter().enumerate().map(|(to, from)| (*from, to)).collect();
    let mut kept: Vec<Def> = order.iter().map(|at| defs[*at].clone()).collect();
    for def in &mut kept {
        def.kind.types_mut().into_iter().for_each(|r#type| r#type.map_def(&|at| place[&at]));
    }
    name(&mut kept)?;
    Ok((kept, roots.iter().map(|root| place[root]).collect()))
}

/// Gives all enums that will have the same name the values of all of them.
fn share_values(defs: &mut [Def]) {
    let mut values: HashMap<&str, Vec<String>> = HashMap::new();
    for def in defs.iter_mut() {
        if let (Some(name), Kind::Strings(some)) = (names::rename(&def.name), &def.kind) {
            let all = values.entry(name).or_default();
            all.extend(some.iter().filter(|value| !all.contains(value)).cloned().collect::<Vec<_>>());
        }
    }
    for def in defs {
        if let (Some(name), Kind::Strings(own)) = (names::rename(&def.name), &mut def.kind) {
            own.clone_from(&values[name]);
        }
    }
}

fn visit(defs: &[Def], at: usize, order: &mut Vec<usize>) {
    if order.contains(&at) {
        return;
    }
    order.push(at);
    for def in defs[at].kind.types().into_iter().filter_map(Type::def) {
        visit(defs, def, order);
    }
}

/// Returns the content of a type, regardless of its name.
fn signature(name: &str, kind: &Kind) -> String {
    let module = names::module(name);
    let (sort, mut parts): (_, Vec<String>) = match kind {
        Kind::Struct(fields) | Kind::Request(fields) => (
            match kind {
                Kind::Request(_) => "request",
                _ if names::is_event(name) => "event",
                _ => "struct",
            },
            fields
                .iter()
                .map(|field| {
                    format!("{} {:?} {} {:?}", field.name, field.r#type, field.optional, field.constant)
                })
                .collect(),
        ),
        Kind::Strings(values) => {
            return format!("{module} strings {} {values:?}", names::sort_of_strings(name));
        }
        Kind::Union(variants) => (
            "union",
            variants
                .iter()
                .map(|variant| {
                    format!("{:?} {:?} {:?} {:?}", variant.r#type, variant.shape, variant.tags, variant.key)
                })
                .collect(),
        ),
    };
    parts.sort();
    format!("{module} {sort} {parts:?}")
}

/// Returns the rank of a name; lower is better.
fn rank(def: &Def) -> (bool, bool, usize, String) {
    (
        !def.named,
        names::rename(&def.name).is_none() && names::tidy(&def.name) != def.name,
        def.name.len(),
        def.name.clone(),
    )
}

/// Returns the names that the table has for a type.
fn listed(def: &Def) -> BTreeSet<&'static str> {
    def.places.iter().filter_map(|place| names::rename(place)).collect()
}

/// Names each type: by the table's entry for any of its places, or else by the best of the places.
fn name(defs: &mut [Def]) -> Result<(), String> {
    let mut taken: BTreeMap<String, &Def> = BTreeMap::new();
    let mut names = Vec::new();
    let mut wrong = Vec::new();
    for def in defs.iter() {
        let listed = listed(def);
        if listed.len() > 1 {
            wrong.push(format!("one type, but several names, {listed:?}: {}", def.places.join(", ")));
        }
        let name = listed.first().map_or_else(|| names::of_type(&def.name), |name| (*name).to_owned());
        if let Some(other) = taken.insert(name.clone(), def) {
            let (one, two) = (other.places.join(", "), def.places.join(", "));
            wrong.push(format!("two types would be called {name}:\n    {one}\n    {two}"));
        }
        names.push(name);
    }
    if !wrong.is_empty() {
        return Err(format!("{}\nName them in the table of src/type_names.rs.", wrong.join("\n")));
    }
    for (def, name) in defs.iter_mut().zip(names) {
        def.name = name;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Field;

    fn def(place: &str, fields: &[&str]) -> Def {
        let fields = fields.iter().map(|name| Field {
            name: (*name).to_owned(),
            r#type: Type::String,
            optional: false,
            constant: None,
        });
        Def {
            name: place.to_owned(),
            places: vec![place.to_owned()],
            named: true,
            kind: Kind::Struct(fields.collect()),
        }
    }

    #[test]
    fn types_that_say_the_same_become_one_of_the_name_that_the_table_has_for_any_of_them() {
        let defs = vec![def("a.b:Same", &["x", "y"]), def("a.c:Mcp", &["x", "y"]), def("a.d:Z", &["z"])];
        let (kept, roots) = merge(defs, &[0, 1, 2]).unwrap();
        assert_eq!(kept.iter().map(|def| def.name.as_str()).collect::<Vec<_>>(), ["McpTool", "Z"]);
        assert_eq!(roots, [0, 0, 1]);
    }

    #[test]
    fn a_name_for_two_types_is_an_error_that_names_both_places() {
        let error = merge(vec![def("a.b:Text", &["x"]), def("a.c:Text", &["y"])], &[0, 1]).unwrap_err();
        for part in ["two types would be called Text", "a.b:Text", "a.c:Text", "src/type_names.rs"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn two_names_for_one_type_are_an_error_that_names_both() {
        let error = merge(vec![def("a.b:Mcp", &["x"]), def("a.c:Drag", &["x"])], &[0, 1]).unwrap_err();
        for part in ["McpTool", "DragAction", "a.b:Mcp", "a.c:Drag"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
