//! Types that are the same become one, and every type gets its name.

use std::collections::HashMap;

use crate::model::{Def, Kind, Type};
use crate::names;

/// Merges the types that say the same, drops those that nothing refers to any more, and names the rest. Gives the
/// types and where each of `roots` went.
pub fn merge(mut defs: Vec<Def>, roots: &[usize]) -> (Vec<Def>, Vec<usize>) {
    share_values(&mut defs);
    let mut stands_for: Vec<usize> = (0..defs.len()).collect();
    loop {
        let mut first: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, def) in defs.iter().enumerate().filter(|(at, _)| stands_for[*at] == *at) {
            first.entry(signature(&def.name, &def.kind)).or_default().push(at);
        }
        let mut changed = false;
        for same in first.into_values().filter(|same| same.len() > 1) {
            let Some(best) = same.iter().copied().min_by_key(|at| rank(&defs[*at])) else { continue };
            for at in same.into_iter().filter(|at| *at != best) {
                stands_for[at] = best;
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
    // In the order in which they are first needed.
    let mut order = Vec::new();
    for root in &roots {
        visit(&defs, *root, &mut order);
    }
    let place: HashMap<usize, usize> = order.iter().enumerate().map(|(to, from)| (*from, to)).collect();
    let mut kept: Vec<Def> = order.iter().map(|at| defs[*at].clone()).collect();
    for def in &mut kept {
        def.kind.types_mut().into_iter().for_each(|r#type| r#type.map_def(&|at| place[&at]));
    }
    name(&mut kept);
    (kept, roots.iter().map(|root| place[root]).collect())
}

/// Gives the enums that are to have one name the values of all of them.
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

/// What a type says, whatever it is called.
fn signature(name: &str, kind: &Kind) -> String {
    let (sort, mut parts): (_, Vec<String>) = match kind {
        Kind::Struct(fields) => (
            if names::is_event(name) { "event" } else { "struct" },
            fields
                .iter()
                .map(|field| {
                    format!("{} {:?} {} {:?}", field.name, field.r#type, field.optional, field.constant)
                })
                .collect(),
        ),
        Kind::Strings(values) => return format!("strings {} {values:?}", names::sort_of_strings(name)),
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
    format!("{sort} {parts:?}")
}

/// The lower, the better the name.
fn rank(def: &Def) -> (bool, bool, usize, String) {
    (
        !def.named,
        names::rename(&def.name).is_none() && names::tidy(&def.name) != def.name,
        def.name.len(),
        def.name.clone(),
    )
}

fn name(defs: &mut [Def]) {
    let mut takers: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, def) in defs.iter().enumerate() {
        takers.entry(names::of_type(&def.name)).or_default().push(at);
    }
    let mut taken = HashMap::new();
    for (name, mut takers) in takers {
        // The one whose name needed no tidying keeps it.
        takers.sort_by_key(|at| rank(&defs[*at]));
        for (place, at) in takers.into_iter().enumerate() {
            let name = if place == 0 { name.clone() } else { names::long(&defs[at].name) };
            let before = taken.insert(name.clone(), at);
            assert!(before.is_none(), "two types are called {name}: {}", defs[at].name);
            defs[at].name = name;
        }
    }
}
